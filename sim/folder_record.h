// FolderRecord: what a run shows of its folders: how soon what a person writes is at the other members, and
// whether they come to be the same. The part of the Recorder that reckons the metrics folder.*; it judges
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "sim/folder_picture.h"
#include "sim/group_record.h"

namespace shoal::sim {

class FolderRecord {
 public:
  // `to`: the other members that are online and that its author could meet.
  void written(std::uint32_t folder, ContentKey content, std::uint64_t bytes, std::vector<HostIndex> to,
               bool counts, Instant when);
  // A person has overwritten or deleted it: nobody need get it any longer.
  void let_go(std::uint32_t folder, ContentKey content);
  // A host has gone; what it did not have is no longer waited for there.
  void gone(HostIndex host);
  void saw(std::uint32_t folder, const FolderMember& member, Instant when);
  // Members that had had the time for it were the same, or not.
  void judged(bool same, bool counts) {
    if (counts) converged_.add(same);
  }

  // What was counted
  const GroupRecord::Ratio& converged() const { return converged_; }
  const std::vector<double>& spread_ms() const { return spread_ms_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::uint64_t writes() const { return writes_; }
  // Conflict copies that lie in a member's folder, the most of them, at the last look at each.
  std::uint64_t conflicts() const;
  std::uint64_t scans() const;

 private:
  struct Spreading {
    Instant written{};
    std::set<HostIndex> to;
    bool counts = false;
  };
  struct Folder {
    std::map<ContentKey, Spreading> spreading;
    std::map<HostIndex, std::uint64_t> conflicts;
    std::map<std::pair<HostIndex, Instant>, std::uint64_t> scans;  // of each run of a member
  };
  Folder& at(std::uint32_t folder);

  std::vector<Folder> folders_;
  GroupRecord::Ratio converged_;
  std::vector<double> spread_ms_;
  std::uint64_t bytes_written_ = 0, writes_ = 0;
};

}  // namespace shoal::sim
