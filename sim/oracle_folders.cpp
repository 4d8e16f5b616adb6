// The oracle's folders: what people wrote in them, where it lies, and whether their members agree.
#include <algorithm>

#include "sim/oracle_state.h"

namespace shoal::sim {
namespace {

// Of the workload's files and directories, and conflict copies of them.
bool is_name_of_a_person(std::string_view name) {
  return name.size() >= 2 && (name[0] == 'f' || name[0] == 'd') && name[1] >= '0' && name[1] <= '9';
}

bool is_path_of_a_person(std::string_view path) {
  return is_name_of_a_person(path.substr(path.rfind('/') + 1));
}

bool holds_content(const FolderMember& member, ContentKey content) {
  if (member.trash && member.trash->contains(content)) return true;
  return std::ranges::any_of(member.picture, [&](const auto& thing) {
    return thing.second.kind == FileKind::kFile && thing.second.content == content;
  });
}

// The first path that is not the same in both.
std::string first_difference(const FolderPicture& a, const FolderPicture& b) {
  for (const auto& [path, thing] : a) {
    const auto other = b.find(path);
    if (other == b.end()) return fmt::format("{} is there and not here", path);
    if (other->second != thing) return fmt::format("{} is another", path);
  }
  for (const auto& [path, thing] : b) {
    if (!a.contains(path)) return fmt::format("{} is here and not there", path);
  }
  return "their trees are not";
}

}  // namespace

Oracle::Impl::FolderKnown& Oracle::Impl::folder_at(std::uint32_t folder) {
  if (folder >= folders.size()) folders.resize(std::size_t{folder} + 1);
  return folders[folder];
}

void Oracle::folder_written(const FolderWrite& write, Instant when) {
  Impl::FolderKnown& folder = impl_->folder_at(write.folder);
  folder.written[write.content] = {write.host, write.path, when, false};
  folder.edited = when;
}

void Oracle::folder_edited(std::uint32_t folder, Instant when) {
  impl_->folder_at(folder).edited = when;
}

void Oracle::folder_let_go(std::uint32_t folder_index, ContentKey content) {
  Impl::FolderKnown& folder = impl_->folder_at(folder_index);
  const auto written = folder.written.find(content);
  if (written != folder.written.end()) written->second.let_go = true;
}

// Nobody can bring back what lay on that disk alone.
void Oracle::folder_disk_gone(std::uint32_t folder_index, const std::vector<FolderMember>& others) {
  for (auto& [content, written] : impl_->folder_at(folder_index).written) {
    written.let_go |= std::ranges::none_of(
        others, [&](const FolderMember& other) { return holds_content(other, content); });
  }
}

void Oracle::check_folder_disk(std::uint32_t folder_index, const FolderMember& member, Instant when) {
  Impl::FolderKnown& folder = impl_->folder_at(folder_index);
  for (const auto& [path, thing] : member.picture) {
    const bool known = thing.kind != FileKind::kFile || folder.written.contains(thing.content);
    const bool whole = (known || !thing.marked) && is_path_of_a_person(path);
    const bool foreign_fails = impl_->fails(Rule::kFolderForeign, known || thing.marked);
    const bool torn_fails = impl_->fails(Rule::kFolderTorn, whole);
    if (!foreign_fails && !torn_fails) continue;
    if (!folder.reported.insert({member.host, path}).second) continue;
    impl_->violated(foreign_fails ? Rule::kFolderForeign : Rule::kFolderTorn, member.host, when,
                    fmt::format("{} holds {}", path,
                                foreign_fails ? "what nobody wrote"
                                : known       ? "a thing under a name that no person gave"
                                              : "a part of what somebody wrote, or a mixture"));
  }
}

std::optional<bool> Oracle::check_folder(std::uint32_t folder_index, const std::vector<FolderMember>& members,
                                         Instant when) {
  Impl::FolderKnown& folder = impl_->folder_at(folder_index);
  impl_->check_scans(members, when);
  impl_->check_contents(folder, members, when);
  return impl_->check_agreement(folder, members, when);
}

void Oracle::Impl::check_scans(const std::vector<FolderMember>& all, Instant when) {
  for (const FolderMember& member : all) {
    if (!member.running) continue;
    const std::uint64_t started = member.running->scans_started, ended = member.running->scans_ended;
    if (!fails(Rule::kScanUnpaired, started == ended || started == ended + 1)) continue;
    violated(Rule::kScanUnpaired, member.host, when,
             fmt::format("{} scans have begun and {} have ended", started, ended));
  }
}

// Only where all trashes were looked into.
void Oracle::Impl::check_contents(FolderKnown& folder, const std::vector<FolderMember>& all, Instant when) {
  if (std::ranges::any_of(all, [](const FolderMember& member) { return !member.trash; })) return;
  std::set<ContentKey> held;
  for (const FolderMember& member : all) {
    held.insert(member.trash->begin(), member.trash->end());
    for (const auto& [path, thing] : member.picture) held.insert(thing.content);
  }
  for (auto& [content, written] : folder.written) {
    if (written.let_go || host_at(written.host).distrusted) continue;
    if (!fails(Rule::kFolderContentLost, held.contains(content))) continue;
    written.let_go = true;
    violated(Rule::kFolderContentLost, written.host, when,
             fmt::format("nobody holds what was written as {} {:.0f} s after the start", written.path,
                         to_seconds(written.when - Instant{})));
  }
}

std::optional<bool> Oracle::Impl::check_agreement(FolderKnown& folder, const std::vector<FolderMember>& all,
                                                  Instant when) {
  std::vector<const FolderMember*> there;
  for (const FolderMember& member : all) {
    if (member.running && !host_at(member.host).distrusted) there.push_back(&member);
  }
  // Who is there, and who can meet whom
  std::vector<std::pair<MemberRun, MemberRun>> links;
  std::vector<std::size_t> part(there.size());
  for (std::size_t a = 0; a < there.size(); ++a) {
    part[a] = a;
    const MemberRun run{there[a]->host, there[a]->running->since};
    links.emplace_back(run, run);
    for (std::size_t b = 0; b < a; ++b) {
      if (witness == nullptr || !witness->can_meet(there[a]->host, there[b]->host)) continue;
      links.emplace_back(run, MemberRun{there[b]->host, there[b]->running->since});
      std::ranges::replace(part, part[a], part[b]);
    }
  }
  if (links != folder.links) {
    folder.links = std::move(links);
    folder.same_since = when;
    folder.divergence_reported = false;
  }
  if (folder.edited + config.folder_agreed_within > when) {
    folder.divergence_reported = false;
    return std::nullopt;
  }
  if (folder.same_since + config.folder_agreed_within > when) return std::nullopt;
  std::optional<bool> same;
  for (std::size_t b = 0; b < there.size(); ++b) {
    const auto a = static_cast<std::size_t>(std::ranges::find(part, part[b]) - part.begin());
    if (a == b) continue;
    const bool equal = there[a]->picture == there[b]->picture && there[a]->running->fingerprint &&
                       there[a]->running->fingerprint == there[b]->running->fingerprint;
    same = same.value_or(true) && equal;
    if (!fails(Rule::kFolderDiverged, equal || folder.divergence_reported)) continue;
    folder.divergence_reported = true;
    violated(Rule::kFolderDiverged, there[b]->host, when,
             fmt::format("its folder ({}) is not that of {} ({}): {}{}", there[b]->running->state,
                         name_of(there[a]->host), there[a]->running->state,
                         first_difference(there[a]->picture, there[b]->picture),
                         there[a]->running->fingerprint == there[b]->running->fingerprint
                             ? ", though their trees are the same"
                             : ""));
  }
  return same;
}

}  // namespace shoal::sim
