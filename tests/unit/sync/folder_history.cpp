#include "tests/unit/sync/folder_history.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

constexpr std::size_t kStepsMax = 40;
// After the last fault is taken back.
constexpr Duration kRestMax = 180s;
constexpr std::size_t kTextBytes = 16;  // most texts have the same length: sizes tell nothing

const std::vector<std::string> kDirectories = {"d0", "d1", "d0/e"};
const std::vector<std::string> kFiles = {"f0", "f1", "f2", "d0/f0", "d0/f1", "d1/f0", "d0/e/f0"};

std::string in_words(const sync::Dot& dot) {
  return fmt::format("{}-{}", dot.replica.short_hex(), dot.counter);
}

std::string entry_in_words(const sync::Tree& tree, const sync::NodeId& id) {
  std::string text = in_words(id) + ":";
  if (const sync::Entry* entry = tree.find(id)) {
    for (const auto& place : entry->place.versions()) {
      text += fmt::format(" place {} in {} by {},", place.value.name, in_words(place.value.parent),
                          in_words(place.dot));
    }
    for (const auto& content : entry->content.versions()) {
      text += fmt::format(" content {} by {},", content.value.root.short_hex(), in_words(content.dot));
    }
    for (const auto& deletion : entry->deletion.versions())
      text += fmt::format(" deleted by {},", in_words(deletion.dot));
  }
  const auto shown = tree.shown(id);
  return text +
         (shown ? fmt::format(" shown as {} in {}", shown->name, in_words(shown->parent)) : " not shown");
}

}  // namespace

// Takes a step apart.
class FolderHistory::Draw {
 public:
  explicit Draw(std::uint64_t step) : left_(step) {}
  std::uint64_t below(std::uint64_t bound) {
    // The digits of a 64-bit number end: go on with a mixture of them.
    left_ = left_ * 6364136223846793005u + 1442695040888963407u;
    return (left_ >> 33) % bound;
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::uint64_t left_;
};

FolderHistory::FolderHistory(std::uint64_t seed) : FolderCluster(seed, CipherKind::kModelled) {}

FolderHistory::Steps FolderHistory::steps_of(std::uint64_t seed) {
  Rng rng = Rng::keyed(seed, "folder history", "steps");
  Steps steps(5 + rng.below(kStepsMax - 5));
  for (std::uint64_t& step : steps) step = rng.next();
  return steps;
}

std::string FolderHistory::run(std::uint64_t seed, const Steps& steps) {
  FolderHistory history(seed);
  history.share_among(2 + seed % 4);
  for (const std::uint64_t step : steps) history.take(step);
  return history.check();
}

std::string FolderHistory::tell(std::uint64_t seed, const Steps& steps, bool with_state) {
  FolderHistory history(seed);
  history.share_among(2 + seed % 4);
  for (const std::uint64_t step : steps) history.take(step);
  const std::string wrong = history.check();
  return fmt::format("seed {}, {} hosts:\n  {}\n{}\n{}", seed, history.hosts(),
                     fmt::join(history.log_, "\n  "), wrong, with_state ? history.state() : std::string());
}

FolderHistory::Steps FolderHistory::shorten(std::uint64_t seed, Steps steps, std::size_t runs_max) {
  std::size_t runs = 0;
  for (std::size_t chunk = std::max<std::size_t>(1, steps.size() / 2); chunk > 0;) {
    bool has_shortened = false;
    for (std::size_t begin = 0; begin < steps.size() && runs < runs_max;) {
      Steps fewer = steps;
      const std::size_t end = std::min(begin + chunk, steps.size());
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin),
                  fewer.begin() + static_cast<std::ptrdiff_t>(end));
      ++runs;
      if (run(seed, fewer).empty()) {
        begin = end;
      } else {
        steps = std::move(fewer);
        has_shortened = true;
      }
    }
    if (runs >= runs_max) break;
    if (!has_shortened || chunk > 1) chunk /= 2;
  }
  return steps;
}

// ---- Steps

void FolderHistory::say(std::string what) {
  log_.push_back(
      fmt::format("{:8.3f} {}",
                  std::chrono::duration<double>(cluster_.network().now().time_since_epoch()).count(), what));
}

void FolderHistory::take(std::uint64_t step) {
  Draw draw(step);
  const std::size_t host = draw.below(hosts());
  const std::uint64_t kind = draw.below(24);
  if (kind < 13) {
    take_file_step(host, draw);
  } else if (kind < 17) {
    take_directory_step(host, draw);
  } else if (kind < 20) {
    take_host_step(host, draw);
  } else {
    take_machine_step(host, draw);
  }
  pause(draw);
}

void FolderHistory::pause(Draw& draw) {
  if (is_in_a_work_) return;
  switch (draw.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return;
    case 4:
    case 5:
    case 6:
    case 7:
      return cluster_.advance(draw.below(60) * 1ms);
    case 8:
      return cluster_.advance(draw.below(1000) * 1ms);
    default:
      return cluster_.advance(draw.below(4000) * 1ms);
  }
}

void FolderHistory::take_file_step(std::size_t host, Draw& draw) {
  const std::string path = some_path(draw);
  const std::string other = some_path(draw);
  switch (draw.below(8)) {
    case 0:
    case 1:
    case 2:
      return save(host, path, draw);
    case 3:
      return save_in_place(host, path, new_text(host, draw));
    case 4:
      return erase(host, path);
    case 5:
      return move(host, path, other);
    case 6: {  // two names change places
      if (path == other) return;
      move(host, path, "swap.tmp");
      if (draw.one_in(3)) pause(draw);
      move(host, other, path);
      if (draw.one_in(3)) pause(draw);
      return move(host, "swap.tmp", other);
    }
    default: {
      if (!exists(host, path) || stat(host, path).kind == FileKind::kLink) return;
      const std::uint32_t mode =
          is_directory(host, path) ? (draw.one_in(2) ? 0755 : 0700) : (draw.one_in(2) ? 0644 : 0600);
      say(fmt::format("{}: chmod {:o} {}", host, mode, path));
      set(host, path, mode, std::nullopt);
    }
  }
}

void FolderHistory::take_directory_step(std::size_t host, Draw& draw) {
  const std::string path = some_directory(draw);
  const std::string other = some_directory(draw);
  switch (draw.below(6)) {
    case 0:
      if (touches_mount(host, path)) return;
      say(fmt::format("{}: mkdir -p {}", host, path));
      return (void)disk(host).make_directories(in_root(path));
    case 1:
      return erase(host, path);
    case 2: {  // removed, and made again at once
      if (!is_directory(host, path)) return;
      erase(host, path);
      if (draw.one_in(2)) pause(draw);
      save_in_place(host, path + "/f0", new_text(host, draw));
      return;
    }
    case 3:
      return move(host, path, other);
    case 4: {  // a directory and something else change places
      const std::string file = some_path(draw);
      if (file.starts_with(path + "/") || path.starts_with(file + "/") || path == file) return;
      move(host, path, "swap.tmp");
      move(host, file, path);
      return move(host, "swap.tmp", file);
    }
    default: {
      const std::string link = some_path(draw);
      if (exists(host, link)) erase(host, link);
      const std::string target = fmt::format("to {}", ++texts_made_);
      if (exists(host, link) || touches_mount(host, link)) return;
      say(fmt::format("{}: ln -s '{}' {}", host, target, link));
      return (void)disk(host).make_link(in_root(link), target);
    }
  }
}

void FolderHistory::take_host_step(std::size_t host, Draw& draw) {
  switch (draw.below(4)) {
    case 0:
      say(fmt::format("{} restarts", host));
      return cluster_.restart(host);
    case 1: {
      const std::size_t other = draw.below(hosts());
      const auto pair = std::minmax(host, other);
      if (host == other || !cuts_.emplace(pair).second) return;
      say(fmt::format("{} and {} are cut off", host, other));
      return cut(host, other);
    }
    case 2: {
      for (const auto& [a, b] : cuts_) heal(a, b);
      if (!cuts_.empty()) say("all are healed");
      return cuts_.clear();
    }
    default:
      return cluster_.advance(draw.below(20'000) * 1ms);
  }
}

// What a machine may do that the person does not notice.
void FolderHistory::take_machine_step(std::size_t host, Draw& draw) {
  switch (draw.below(6)) {
    case 0:
    case 1:
      return act_in_a_work(host, draw);
    case 2: {
      const Duration takes = (1 + draw.below(150)) * 1ms;
      cluster_.disk(host).work_time = takes;
      cluster_.disk(host).shuffles_works = draw.one_in(2);
      return say(fmt::format("{}: works take {} s", host, std::chrono::duration<double>(takes).count()));
    }
    case 3:
      return reuse_inode(host, some_path(draw), draw);
    case 4: {  // something is mounted, or no longer
      const std::string path = some_directory(draw);
      if (mounts_.erase({host, path}) > 0) {
        say(fmt::format("{}: umount {}", host, path));
        return (void)disk(host).unmount(in_root(path));
      }
      // Not below or above another mount: which of them is taken off first would matter.
      if (!mounts_.empty() || !is_directory(host, path) || !disk(host).mount(in_root(path))) return;
      mounts_.emplace(host, path);
      return say(fmt::format("{}: mount {}", host, path));
    }
    default: {
      const Duration by = (static_cast<std::int64_t>(draw.below(4000)) - 2000) * std::chrono::hours(1);
      cluster_.network().jump_wall_time(cluster_.index(host), by);
      jumps_[host] += by;
      return say(fmt::format("{}: the date jumps by {} h", host, by / std::chrono::hours(1)));
    }
  }
}

// A person's act between two calls that a work makes.
void FolderHistory::act_in_a_work(std::size_t host, Draw& draw) {
  const std::uint64_t call = 1 + draw.below(12);
  disk(host).before_call(call, [this, host, draw]() mutable {
    is_in_a_work_ = true;
    take_file_step(host, draw);
    is_in_a_work_ = false;
  });
}

// A file is deleted, and another one made that has its inode number, size and time of change.
void FolderHistory::reuse_inode(std::size_t host, const std::string& path, Draw& draw) {
  if (!exists(host, path) || stat(host, path).kind != FileKind::kFile) return;
  const FileStat before = stat(host, path);
  erase(host, path);
  if (draw.one_in(3)) pause(draw);
  const std::string other = some_path(draw);
  if (exists(host, other)) return;
  std::string text = new_text(host, draw);
  written_.erase(text);
  text.resize(before.size, '.');
  if (text.size() < 8) return;  // it would not tell which it is
  written_.insert(text);
  disk(host).next_number = before.inode;
  save_in_place(host, other, text);
  disk(host).next_number = 0;
  if (exists(host, other)) set(host, other, std::nullopt, before.mtime_ns);
}

// ---- A person's acts

std::string FolderHistory::some_path(Draw& draw) const {
  return kFiles[draw.below(kFiles.size())];
}

std::string FolderHistory::some_directory(Draw& draw) const {
  return kDirectories[draw.below(kDirectories.size())];
}

bool FolderHistory::exists(std::size_t host, const std::string& path) {
  return disk(host).find(MemoryDisk::kRoot, in_root(path), "look at").has_value();
}

// A mount point cannot be moved or removed, and what is written below it is not the folder's.
bool FolderHistory::touches_mount(std::size_t host, const std::string& path) const {
  return std::ranges::any_of(mounts_, [&](const auto& mount) {
    return mount.first == host && (path == mount.second || path.starts_with(mount.second + "/") ||
                                   mount.second.starts_with(path + "/"));
  });
}

bool FolderHistory::is_directory(std::size_t host, const std::string& path) {
  return exists(host, path) && stat(host, path).kind == FileKind::kDirectory;
}

std::string FolderHistory::new_text(std::size_t host, Draw& draw) {
  std::string text = fmt::format("{} {} ", host, ++texts_made_);
  text.resize(draw.one_in(12) ? 200'000 : kTextBytes, '.');
  written_.insert(text);
  return text;
}

// What lies at the path, and below it.
void FolderHistory::note_gone(std::size_t host, const std::string& path) {
  for (const std::string& full : disk(host).paths()) {
    if (full != in_root(path) && !full.starts_with(in_root(path) + "/")) continue;
    if (const auto bytes = disk(host).read_file(full)) gone_.emplace(bytes->begin(), bytes->end());
  }
}

void FolderHistory::save_in_place(std::size_t host, const std::string& path, const std::string& text) {
  std::string parent = path.substr(0, path.rfind('/'));
  if (path.find('/') == std::string::npos) parent.clear();
  if (touches_mount(host, path) || (!parent.empty() && !disk(host).make_directories(in_root(parent)))) {
    written_.erase(text);
    return;
  }
  if (is_directory(host, path)) {
    written_.erase(text);
    return;
  }
  note_gone(host, path);
  say(fmt::format("{}: write {} '{:.20}'", host, path, text));
  if (exists(host, path) && stat(host, path).kind == FileKind::kLink)
    (void)disk(host).remove_tree(in_root(path));
  if (!disk(host).write_file(in_root(path), bytes_of(text))) written_.erase(text);
}

// As the editors do it.
void FolderHistory::save(std::size_t host, const std::string& path, Draw& draw) {
  const std::string text = new_text(host, draw);
  const std::uint64_t way = draw.below(4);
  if (way == 0 || !exists(host, path) || is_directory(host, path)) return save_in_place(host, path, text);
  const auto sometimes_pause = [&] {
    if (draw.one_in(3)) pause(draw);
  };
  if (way == 1) {  // a new file over the old one
    save_in_place(host, path + ".tmp", text);
    sometimes_pause();
    return move(host, path + ".tmp", path);
  }
  if (way == 2) {  // the old one becomes the backup
    move(host, path, path + "~");
    sometimes_pause();
    save_in_place(host, path, text);
    if (draw.one_in(2)) {
      sometimes_pause();
      erase(host, path + "~");
    }
    return;
  }
  save_in_place(host, path + ".new", text);
  sometimes_pause();
  move(host, path, path + ".old");
  sometimes_pause();
  move(host, path + ".new", path);
  sometimes_pause();
  erase(host, path + ".old");
}

void FolderHistory::move(std::size_t host, const std::string& from, const std::string& to) {
  if (touches_mount(host, from) || touches_mount(host, to)) return;
  if (from == to || !exists(host, from) || is_directory(host, to) || to.starts_with(from + "/")) return;
  if (exists(host, to) && is_directory(host, from)) return;
  if (exists(host, to)) {
    if (const auto bytes = disk(host).read_file(in_root(from)))
      moved_over_.emplace(bytes->begin(), bytes->end());
  }
  note_gone(host, to);
  say(fmt::format("{}: mv {} {}", host, from, to));
  (void)disk(host).rename(in_root(from), in_root(to));
}

void FolderHistory::erase(std::size_t host, const std::string& path) {
  if (!exists(host, path) || touches_mount(host, path)) return;
  note_gone(host, path);
  say(fmt::format("{}: rm -r {}", host, path));
  (void)disk(host).remove_tree(in_root(path));
}

// ---- What must hold

std::string FolderHistory::check() {
  for (const auto& [a, b] : cuts_) heal(a, b);
  cuts_.clear();
  for (const auto& [host, mounted] : mounts_) {
    // It may have moved with a directory above it.
    for (const std::string& path : disk(host).paths()) (void)disk(host).unmount(path);
    (void)command(host, Verb::kRescan);  // nobody tells of an unmount
  }
  mounts_.clear();
  for (std::size_t host = 0; host < hosts(); ++host) cluster_.disk(host).work_time = 1ms;
  for (const auto& [host, by] : jumps_) cluster_.network().jump_wall_time(cluster_.index(host), -by);
  cluster_.advance(5s);  // a host may have restarted just now
  // A brake on deletions waits for a person.
  for (std::size_t host = 0; host < hosts(); ++host) {
    if (status(host).reason == "mass_deletion") (void)command(host, Verb::kResume);
  }
  if (const auto rest = converge(kRestMax); !rest) return std::string("no rest: ") + rest.message();
  std::string wrong = check_contents();
  return wrong.empty() ? check_dots() : wrong;
}

// What each host has on its disk and believes of it, and its tree.
std::string FolderHistory::state() {
  std::string text;
  for (std::size_t host = 0; host < hosts(); ++host) {
    const sync::FolderContext& context = folder(host).context();
    text += fmt::format("\nhost {}", host);
    for (const std::string& full : disk(host).paths()) {
      if (!full.starts_with(kFolderRoot + "/")) continue;
      const std::string path = full.substr(kFolderRoot.size() + 1);
      const FileStat is = stat(host, path);
      text += fmt::format("\n  {}: inode {}, {} bytes", path, is.inode, is.size);
      const auto id = context.disk.at(path);
      const sync::DiskEntry* known = id ? context.disk.find(*id) : nullptr;
      if (known == nullptr) continue;
      text += fmt::format("; known as {}-{}, inode {}, content {}{}", id->replica.short_hex(), id->counter,
                          known->stat.inode, known->content.root.short_hex(),
                          known->rehash ? ", to be hashed" : "");
    }
    for (const sync::NodeId& id : context.tree.ids()) text += "\n  " + entry_in_words(context.tree, id);
  }
  return text;
}

std::string FolderHistory::check_contents() {
  const Contents first = contents(0);
  std::set<std::string> visible;
  for (const auto& [path, what] : first) {
    if (what.starts_with("1 ") || what.starts_with("0 ")) visible.insert(read(0, path));
  }
  for (std::size_t host = 1; host < hosts(); ++host) {
    if (contents(host) != first)
      return fmt::format("host {} holds something else than host 0: {}", host, describe());
  }
  for (const std::string& text : written_) {
    if (moved_over_.contains(text) && is_in_a_trash(text)) continue;
    if (!gone_.contains(text) && !visible.contains(text)) {
      return fmt::format("'{:.20}' is not visible, and nobody has replaced or deleted it: {}", text,
                         describe());
    }
  }
  return {};
}

bool FolderHistory::is_in_a_trash(const std::string& text) {
  for (std::size_t host = 0; host < hosts(); ++host) {
    if (trash(host).contains(text)) return true;
  }
  return false;
}

std::string FolderHistory::check_dots() {
  for (std::size_t host = 1; host < hosts(); ++host) {
    for (const sync::NodeId& id : folder(0).context().tree.ids()) {
      const sync::Entry* ours = folder(0).context().tree.find(id);
      const sync::Entry* theirs = folder(host).context().tree.find(id);
      if (ours != nullptr && (theirs == nullptr || !(*theirs == *ours))) {
        return fmt::format("entry {}-{} differs between hosts 0 and {}", id.replica.short_hex(), id.counter,
                           host);
      }
    }
  }
  return {};
}

}  // namespace shoal
