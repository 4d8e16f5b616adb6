// The workload of folders: people who write, rename and delete in them, each on a host that is online. What
// they do is on the disk at once, as a careful program does it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "node/base/relative_path.h"
#include "sim/workload.h"

namespace shoal::sim {
namespace {

constexpr std::uint32_t kFirstDirectories = 3;
constexpr std::size_t kDepthMax = 4;
// What is appended to grows to so many times the largest size, at most.
constexpr std::size_t kGrowthMax = 4;
// A folder stops when most of its files vanish at once, which is right, and not what this is about.
constexpr std::size_t kDeletedShare = 4;

enum class Edit : std::uint8_t {
  kEdit,
  kAppend,
  kNew,
  kRename,
  kDelete,
  kMove,
  kMakeDirectory,
  kDeleteDirectory
};
constexpr std::pair<Edit, std::uint32_t> kEdits[] = {
    {Edit::kEdit, 35},  {Edit::kAppend, 15}, {Edit::kNew, 20},          {Edit::kRename, 8},
    {Edit::kDelete, 8}, {Edit::kMove, 8},    {Edit::kMakeDirectory, 4}, {Edit::kDeleteDirectory, 2}};

Edit draw_edit(Rng& rng) {
  std::uint64_t draw = rng.below(100);
  for (const auto& [edit, share] : kEdits) {
    if (draw < share) return edit;
    draw -= share;
  }
  return Edit::kEdit;
}

std::string folder_stream(std::uint32_t folder) {
  return fmt::format("folder-{}", folder);
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.starts_with(directory + "/");
}

}  // namespace

// One person at one member's disk.
class Workload::Person {
 public:
  Person(Workload& workload, std::uint32_t folder, HostIndex host, FolderDisk& disk, std::uint32_t number,
         Rng rng)
      : workload_(workload),
        folder_(folder),
        host_(host),
        disk_(disk),
        root_(Population::folder_root(workload.first_folder() + folder)),
        number_(number),
        rng_(std::move(rng)),
        picture_(disk.look(root_)) {
    directories_.emplace_back();
    for (const auto& [path, thing] : picture_) {
      if (thing.kind == FileKind::kFile) files_.push_back(path);
      const auto depth = static_cast<std::size_t>(std::ranges::count(path, '/'));
      if (thing.kind == FileKind::kDirectory && depth < kDepthMax) directories_.push_back(path);
    }
  }

  void act() {
    Edit edit = draw_edit(rng_);
    if (files_.empty() && edit != Edit::kMakeDirectory) edit = Edit::kNew;
    switch (edit) {
      case Edit::kEdit:
        return overwrite(any(files_), content());
      case Edit::kAppend:
        return append(any(files_));
      case Edit::kNew: {
        const std::string directory = any(directories_);
        return write(new_file(directory), content());
      }
      case Edit::kRename: {
        const std::string file = any(files_);
        return move(file, new_file(split_path(file).parent));
      }
      case Edit::kDelete:
        return remove(any(files_));
      case Edit::kMove: {
        const std::string file = any(files_);
        const std::string directory = any(directories_);
        const std::string to = join_path(directory, split_path(file).name);
        return move(file, picture_.contains(to) ? new_file(directory) : to);
      }
      case Edit::kMakeDirectory: {
        const std::string directory = join_path(any(directories_), fmt::format("d{}", number_));
        static_cast<void>(disk_.disk().make_directories(on_disk(directory)));
        return done(directory);
      }
      case Edit::kDeleteDirectory:
        return remove_directory(any(directories_));
    }
  }

  // At the very first.
  void fill() {
    const std::uint32_t files = workload_.scenario_.workload.folders->files;
    for (std::uint32_t i = 0; i < files; ++i) {
      const std::uint32_t place = i % (kFirstDirectories + 1);
      number_ = i;
      write(join_path(place == 0 ? std::string() : fmt::format("d{}", place), fmt::format("f{}.txt", i)),
            content());
    }
  }

 private:
  template <class T>
  const T& any(const std::vector<T>& of) {
    return of[rng_.below(of.size())];
  }
  std::string on_disk(const std::string& path) const { return root_.substr(1) + "/" + path; }
  std::string new_file(const std::string& directory) const {
    return join_path(directory, fmt::format("f{}.txt", number_));
  }

  Bytes content() {
    const FoldersSpec& spec = *workload_.scenario_.workload.folders;
    const double growth = static_cast<double>(spec.size_max) / spec.size_min;
    const double size = spec.size_min * std::pow(growth, rng_.unit());
    const std::string mark = fmt::format("written {:08} in {:08} of {:08}\n", number_, folder_, host_);
    Bytes bytes(std::max<std::size_t>(static_cast<std::size_t>(size), mark.size() + 8));
    Rng::keyed(workload_.scenario_.seed, folder_stream(folder_), fmt::format("content {}", number_))
        .fill(bytes);
    std::ranges::copy(mark, bytes.begin());
    return bytes;
  }

  void write(const std::string& path, const Bytes& bytes) {
    if (!disk_.disk().write_file(on_disk(path), bytes)) return;
    picture_[path] = {FileKind::kFile, content_key(bytes), true};
    std::vector<HostIndex> to;
    for (const HostIndex host : workload_.population_.groups().members(workload_.first_folder() + folder_)) {
      const bool there = host != host_ && workload_.population_.is_settled(host);
      if (there && workload_.network_.can_meet(host_, host)) to.push_back(host);
    }
    workload_.recorder_.folder_written({folder_, host_, path, content_key(bytes), bytes.size()},
                                       std::move(to), workload_.network_.now());
    done(path);
  }

  void overwrite(const std::string& path, const Bytes& bytes) {
    let_go(path);
    write(path, bytes);
  }

  void append(const std::string& path) {
    Bytes bytes = disk_.disk().read_file(on_disk(path)).value_or(Bytes());
    if (bytes.size() > kGrowthMax * workload_.scenario_.workload.folders->size_max) bytes.clear();
    const Bytes more = content();
    bytes.insert(bytes.end(), more.begin(), more.end());
    overwrite(path, bytes);
  }

  void move(const std::string& from, const std::string& to) {
    if (!disk_.disk().rename(on_disk(from), on_disk(to))) return;
    done(from);
    done(to);
  }

  void remove(const std::string& path) {
    let_go(path);
    static_cast<void>(disk_.disk().remove_tree(on_disk(path)));
    done(path);
  }

  void remove_directory(const std::string& path) {
    std::vector<std::string> within;
    std::ranges::copy_if(files_, std::back_inserter(within),
                         [&](const std::string& file) { return is_below(file, path); });
    if (path.empty() || within.size() * kDeletedShare > files_.size()) return;
    for (const std::string& file : within) let_go(file);
    static_cast<void>(disk_.disk().remove_tree(on_disk(path)));
    done(path);
  }

  void let_go(const std::string& path) {
    workload_.recorder_.folder_let_go(folder_, picture_.at(path).content);
  }
  void done(const std::string& path) {
    disk_.flush(on_disk(path));
    workload_.recorder_.folder_edited(folder_, workload_.network_.now());
  }

  Workload& workload_;
  std::uint32_t folder_;
  HostIndex host_;
  FolderDisk& disk_;
  std::string root_;
  std::uint32_t number_;  // of what is written or made: no two have the same
  Rng rng_;
  FolderPicture picture_;
  std::vector<std::string> files_;
  std::vector<std::string> directories_;  // in which something may be made; "" is the folder
};

std::uint32_t Workload::first_folder() const {
  return population_.groups().first_folder();
}

void Workload::schedule_edits() {
  const FoldersSpec& spec = *scenario_.workload.folders;
  edits_.resize(spec.count);
  for (std::uint32_t folder = 0; folder < edits_.size(); ++folder) next_edit(folder);
}

void Workload::on_folder_disk(HostIndex host, FolderDisk& disk) {
  filled_.resize(scenario_.workload.folders->count);
  for (const std::uint32_t group : population_.groups().groups_of(host)) {
    if (group < first_folder() || population_.groups().members(group).front() != host) continue;
    const std::uint32_t folder = group - first_folder();
    if (filled_[folder]) continue;
    filled_[folder] = true;
    Person(*this, folder, host, disk, 0, Rng::keyed(scenario_.seed, folder_stream(folder), "files")).fill();
  }
}

void Workload::next_edit(std::uint32_t folder) {
  const FoldersSpec& spec = *scenario_.workload.folders;
  if (!spec.edits_every) return;
  Rng rng = Rng::keyed(scenario_.seed, folder_stream(folder), fmt::format("edit gap {}", edits_[folder]));
  after(poisson_gap(*spec.edits_every, 1, rng), &Workload::edit, folder);
}

void Workload::edit(std::uint32_t folder) {
  const FoldersSpec& spec = *scenario_.workload.folders;
  if (network_.now() + spec.quiet >= end_) return;
  const std::uint32_t number = edits_[folder]++;
  next_edit(folder);
  Rng rng = Rng::keyed(scenario_.seed, folder_stream(folder), fmt::format("edit {}", number));
  const auto host = random_member(first_folder() + folder, rng);
  if (!host) return;
  FolderDisk& disk = *population_.folder_disk(*host);
  if (disk.is_full()) return;
  Person(*this, folder, *host, disk, spec.files + number, std::move(rng)).act();
}

}  // namespace shoal::sim
