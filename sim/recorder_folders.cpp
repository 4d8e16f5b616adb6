// The recorder's folders: what FolderRecord and the oracle are told.
#include <utility>

#include "node/base/check.h"
#include "sim/recorder.h"
#include "sim/recorder_state.h"

namespace shoal::sim {

void Recorder::folder_written(const FolderWrite& write, std::vector<HostIndex> to, Instant when) {
  Impl& run = *impl_;
  run.oracle.folder_written(write, when);
  run.folders.written(write.folder, write.content, write.bytes, std::move(to), run.after_warm_up(when), when);
}

void Recorder::folder_let_go(std::uint32_t folder, ContentKey content) {
  impl_->oracle.folder_let_go(folder, content);
  impl_->folders.let_go(folder, content);
}

void Recorder::folder_edited(std::uint32_t folder, Instant when) {
  impl_->oracle.folder_edited(folder, when);
}

void Recorder::folder_disk_gone(std::uint32_t folder, const std::vector<FolderMember>& others) {
  impl_->oracle.folder_disk_gone(folder, others);
}

void Recorder::saw_folder_disk(std::uint32_t folder, const FolderMember& member, Instant when) {
  impl_->oracle.check_folder_disk(folder, member, when);
  impl_->folders.saw(folder, member, when);
}

void Recorder::saw_folder(std::uint32_t folder, const std::vector<FolderMember>& members, Instant when) {
  Impl& run = *impl_;
  check(run.witness != nullptr, "who can meet whom is the witness's to say");
  for (const FolderMember& member : members) run.folders.saw(folder, member, when);
  const auto same = run.oracle.check_folder(folder, members, when);
  if (same) run.folders.judged(*same, run.after_warm_up(when));
}

}  // namespace shoal::sim
