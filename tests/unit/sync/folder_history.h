// FolderHistory: what people and machines do to a folder of a few hosts, as a list of steps, and what must
// hold once they rest. A step is one random number, so that a history that fails is shortened by leaving
// steps out, and each step means the same whatever stands before it.
//
// After the last step every fault is taken back: hosts run, all reach all. Then within a bound:
// - all come to rest, and hold the same files, directories and links (SYNC-6);
// - each content that somebody has written, and that nobody who had it has overwritten or deleted, is visible
// in
//   the folder of each host (SYNC-7, SYNC-12);
// - no dot names two writes (SYNC-15).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {

class FolderHistory final : private FolderCluster {
 public:
  using Steps = std::vector<std::uint64_t>;

  // The steps of a history of this seed.
  static Steps steps_of(std::uint64_t seed);
  // What is wrong after the steps; empty: nothing. The same seed and steps give the same answer.
  static std::string run(std::uint64_t seed, const Steps& steps);
  // Of steps after which something is wrong: fewer after which something is wrong, in at most `runs_max`
  // runs.
  static Steps shorten(std::uint64_t seed, Steps steps, std::size_t runs_max = 400);
  // The steps in words, and what is wrong; `with_state`: and what hosts have and know.
  static std::string tell(std::uint64_t seed, const Steps& steps, bool with_state = false);

 private:
  class Draw;

  explicit FolderHistory(std::uint64_t seed);
  void TestBody() override {}

  void take(std::uint64_t step);
  void take_file_step(std::size_t host, Draw& draw);
  void take_directory_step(std::size_t host, Draw& draw);
  void take_host_step(std::size_t host, Draw& draw);
  void take_machine_step(std::size_t host, Draw& draw);
  void act_in_a_work(std::size_t host, Draw& draw);
  void reuse_inode(std::size_t host, const std::string& path, Draw& draw);
  void pause(Draw& draw);
  std::string check();
  std::string check_contents();
  std::string check_dots();
  bool is_in_a_trash(const std::string& text);
  std::string state();

  // A person's acts; each says what goes.
  void save(std::size_t host, const std::string& path, Draw& draw);
  void save_in_place(std::size_t host, const std::string& path, const std::string& text);
  void move(std::size_t host, const std::string& from, const std::string& to);
  void erase(std::size_t host, const std::string& path);
  std::string new_text(std::size_t host, Draw& draw);
  bool exists(std::size_t host, const std::string& path);
  bool is_directory(std::size_t host, const std::string& path);
  bool touches_mount(std::size_t host, const std::string& path) const;
  void note_gone(std::size_t host, const std::string& path);
  void say(std::string what);

  std::string some_path(Draw& draw) const;
  std::string some_directory(Draw& draw) const;

  std::uint64_t texts_made_ = 0;
  std::set<std::string> written_;
  std::set<std::string> gone_;  // overwritten or deleted by somebody who had them
  // Moved over another file. Two persons who move the same files the opposite way at one time may undo each
  // other's moves, and each has then deleted the other's name: the content is at least in a trash.
  std::set<std::string> moved_over_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::set<std::pair<std::size_t, std::string>> mounts_;
  std::map<std::size_t, Duration> jumps_;  // of clocks
  bool is_in_a_work_ = false;              // time stands still
  std::vector<std::string> log_;
};

}  // namespace shoal
