#include "sim/folder_record.h"

#include <algorithm>
#include <utility>

namespace shoal::sim {

FolderRecord::Folder& FolderRecord::at(std::uint32_t folder) {
  if (folder >= folders_.size()) folders_.resize(std::size_t{folder} + 1);
  return folders_[folder];
}

void FolderRecord::written(std::uint32_t folder, ContentKey content, std::uint64_t bytes,
                           std::vector<HostIndex> to, bool counts, Instant when) {
  bytes_written_ += bytes;
  ++writes_;
  if (to.empty()) return;
  at(folder).spreading[content] = {when, {to.begin(), to.end()}, counts};
}

void FolderRecord::let_go(std::uint32_t folder, ContentKey content) {
  at(folder).spreading.erase(content);
}

void FolderRecord::gone(HostIndex host) {
  for (Folder& folder : folders_) {
    for (auto& [content, spreading] : folder.spreading) spreading.to.erase(host);
    std::erase_if(folder.spreading, [](const auto& of) { return of.second.to.empty(); });
  }
}

void FolderRecord::saw(std::uint32_t folder_index, const FolderMember& member, Instant when) {
  Folder& folder = at(folder_index);
  std::uint64_t conflicts = 0;
  for (const auto& [path, thing] : member.picture) {
    if (path.find(" (conflict ") != std::string::npos && thing.kind == FileKind::kFile) ++conflicts;
    const auto spreading = folder.spreading.find(thing.content);
    if (spreading == folder.spreading.end() || spreading->second.to.erase(member.host) == 0) continue;
    if (spreading->second.counts) spread_ms_.push_back(to_seconds(when - spreading->second.written) * 1e3);
    if (spreading->second.to.empty()) folder.spreading.erase(spreading);
  }
  folder.conflicts[member.host] = conflicts;
  if (member.running) {
    folder.scans[{member.host, member.running->since}] = member.running->scans_started;
  }
}

std::uint64_t FolderRecord::conflicts() const {
  std::uint64_t sum = 0;
  for (const Folder& folder : folders_) {
    std::uint64_t most = 0;
    for (const auto& [host, conflicts] : folder.conflicts) most = std::max(most, conflicts);
    sum += most;
  }
  return sum;
}

std::uint64_t FolderRecord::scans() const {
  std::uint64_t sum = 0;
  for (const Folder& folder : folders_) {
    for (const auto& [run, scans] : folder.scans) sum += scans;
  }
  return sum;
}

}  // namespace shoal::sim
