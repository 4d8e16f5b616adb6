// FileFetcher: brings the contents of files together, from what is on this disk and from peers.
//
//   one part:    room on the disk ─► asked of peers ─► in memory, ready
//   more parts:  list of parts (index, or pages from peers) ─► parts that are staged already, verified
//                  ─► room on the disk ─► parts that local files have, copied
//                  ─► the rest from peers ─► staged, ready
//
// What does not fit on the disk waits for room (DiskRoom) and holds nothing else up. Parts of zeros are
// holes, and need neither room nor peers.
//
// A content that no peer has is looked for in the folder's own trash (trash_search.h), and copied from there.
//
// Whatever comes is verified by its hash before it is used. The staging file of a content is named by its
// root, so a fetch that was cut short goes on where it was, whoever wants the content then. Bounded:
// files_max fetches at a time, and memory for small ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/sync/client_file_part_sync.h"
#include "node/sync/disk_room.h"
#include "node/sync/folder_context.h"
#include "node/sync/trash_search.h"

namespace shoal::sync {

struct FetchedFile {
  NodeId id;
  ContentName content;
  std::string staged;  // empty: `bytes` are all of it
  Bytes bytes;
};

class FetchListener {
 public:
  virtual ~FetchListener() = default;
  virtual void on_fetched(FetchedFile file) = 0;
  // `cause`: "no_peer_has_it", "disk_full", "io_error", "wrong_content"; empty: the trouble is over. It goes
  // on trying, except after the last two, which end the fetch.
  virtual void on_fetch_trouble(const NodeId& id, const std::string& cause, const std::string& message,
                                bool ended) = 0;
  // The list of a content's parts is kept until it is here, so that a fetch that is cut short need not ask
  // for it again. No parts: it is not kept any longer.
  virtual void on_list(const ContentName& content, std::vector<PartRef> parts) = 0;
};

class FileFetcher final : public PieceListener {
 public:
  // Fetches under way at once, of files with more than one part.
  static constexpr std::size_t kLargeMax = 3;
  // Bytes of one-part files that are wanted, or ready and not yet in place.
  static constexpr std::uint64_t kSmallBytesMax = 8 << 20;
  // Of those that wait, for one that may begin.
  static constexpr std::size_t kLookedAt = 1024;
  // Parts of a file that are asked for or not yet written at a time: a kill loses them. For each peer what
  // its requests hold, and some that are being written.
  static constexpr std::size_t kPartsAskedMax = 64;
  static constexpr std::size_t kPartsPerPeer = 16;
  static constexpr std::size_t kPartsBeingWritten = 16;
  // How often room is looked for while something waits for it; and how long after the disk refused to be
  // written to, though it said that there is room.
  static constexpr Duration kRoomRetry = std::chrono::seconds(5);
  static constexpr Duration kRefusedRetry = std::chrono::seconds(60);

  FileFetcher(FolderContext& context, FetchListener& listener);

  // Precondition: the content is plausible, and not empty. Nothing happens when it is under way already.
  void fetch(const NodeId& id, const ContentName& content);
  void cancel(const NodeId& id);
  void cancel_all();
  // What on_fetched gave is in its place, or given up.
  void used(const FetchedFile& file);
  bool is_fetching(const NodeId& id) const { return by_id_.contains(id); }
  std::optional<ContentName> fetching(const NodeId& id) const;

  ClientFilePartSync& parts() { return parts_; }
  void advance(Rpc& rpc);
  void on_work(StageWork& work);
  void on_work(TrashSearchWork& work);
  void on_work(SpaceWork& work);
  // Files of parts that were found in staging at the start.
  void on_staged(const std::vector<std::string>& paths);
  // A peer knows nothing more, and nothing is to be fetched: what is staged is not needed.
  void on_complete();
  // There is no room for anything that is still to be fetched.
  bool waits_for_room() const { return !waiting_.empty() && waiting_.size() == fetches_.size(); }
  // Something waits for room.
  bool lacks_room() const { return !waiting_.empty(); }
  // How much more room all would take.
  std::uint64_t room_missing() const;
  // Of a fetch that is under way: bytes that are staged.
  std::uint64_t bytes_done() const;

  void on_piece(const WantedPiece& piece, Bytes bytes, const Id& peer) override;
  void on_piece_missing(const WantedPiece& piece) override;

  // Of a fetch that is ready.
  std::optional<std::vector<PartRef>> parts_of(const NodeId& id) const;
  Instant next() const;
  // The parts of a content that this host has, or has had the list of.
  std::optional<std::vector<PartRef>> known_parts(const ContentName& content) const;
  // The pages of its tree, by hash; none when it has one part, or its parts are not known.
  std::map<Id, Bytes> known_pages(const ContentName& content) const;

 private:
  struct Page {
    Id hash;
    std::uint8_t depth = 0;
    std::uint64_t bytes = 0;
  };
  struct Fetch {
    enum class Phase : std::uint8_t {
      kQueued,
      kWaiting,  // for room
      kSmall,
      kPages,
      kChecking,
      kRoom,
      kCopying,
      kParts,
      kReady,
    };
    NodeId id;
    ContentName content;
    Phase phase = Phase::kQueued;
    std::string staged;
    // Pages that are not read yet: the first of the file, which is being asked for, is the last here.
    std::vector<Page> pages;
    std::map<Id, Bytes>
        old_pages;  // of what the file has until then: most of them are those of the new content, too
    std::vector<PartRef> parts;
    std::vector<std::uint64_t> offsets;
    std::vector<bool> done;
    std::size_t next_part = 0;  // in this phase: those before it are seen to
    std::size_t asked = 0;      // under way, or being written
    std::size_t works = 0;
    std::uint64_t bytes_done = 0;
    std::uint64_t reserved = 0;  // room
    std::vector<StageWork::Part> to_write;
    std::map<std::uint32_t, Id> given_by;
    std::string found_at;  // in the trash; empty: not there
  };

  struct Waiting {
    std::uint64_t bytes = 0;  // of room
    Instant not_before;
  };

  Fetch* find(std::uint64_t number);
  void add(const NodeId& id, const ContentName& content, std::optional<Waiting> waiting);
  bool begin_queued(std::uint64_t number);
  void begin(std::uint64_t number, Fetch& fetch);
  bool want_small(std::uint64_t number, Fetch& fetch);
  void next_page(std::uint64_t number, Fetch& fetch);
  void ask_page(std::uint64_t number, Fetch& fetch);
  bool take_rows(std::uint64_t number, Fetch& fetch, ByteView bytes);
  void take_page(std::uint64_t number, Fetch& fetch, const WantedPiece& piece, Bytes bytes, const Id& peer);
  void have_parts(std::uint64_t number, Fetch& fetch);
  void go_on(std::uint64_t number, Fetch& fetch);
  bool check_staged(std::uint64_t number, Fetch& fetch);
  void take_zero_parts(Fetch& fetch);
  bool find_room(std::uint64_t number, Fetch& fetch);
  bool reserve(std::uint64_t number, Fetch& fetch, std::uint64_t bytes);
  void wait_for_room(std::uint64_t number, std::uint64_t bytes, const std::string& message,
                     Duration at_least);
  void end_waits();
  void look_for_room();
  void clean_staging();
  void forget_list(const std::string& staged);
  std::vector<ContentName> listed_contents(const Id& root) const;
  bool copy_local(std::uint64_t number, Fetch& fetch);
  bool find_local(const Fetch& fetch, std::size_t part, StageWork::Part& into) const;
  std::size_t parts_asked_max() const;
  bool ask_parts(std::uint64_t number, Fetch& fetch);
  StageWork::Part part_of(const Fetch& fetch, std::size_t index) const;
  void write(std::uint64_t number, Fetch& fetch);
  void submit(std::uint64_t number, Fetch& fetch, std::vector<StageWork::Part> parts);
  void take_part(Fetch& fetch, StageWork::Part& part);
  void search_trash();
  void take_from_trash(std::uint64_t number, Fetch& fetch, const TrashSearchWork::Found& found);
  void ready(Fetch& fetch, Bytes bytes);
  void no_longer_active(const Fetch& fetch);
  void end(std::uint64_t number);
  void give_up(std::uint64_t number, const std::string& cause, const std::string& message);

  FolderContext& context_;
  FetchListener& listener_;
  ClientFilePartSync parts_;
  std::map<std::uint64_t, Fetch> fetches_;  // by number
  std::map<NodeId, std::uint64_t> by_id_;
  std::set<ContentName> under_way_;  // of fetches that have begun: one at a time for each
  std::set<std::uint64_t> queue_;    // of those that wait, in order
  // A content that no peer has: when the trash is looked through for it, and how long to wait after that.
  struct Missing {
    Instant search_at;
    Duration wait;
  };
  std::map<ContentName, Missing> missing_;
  bool is_searching_ = false;
  Instant search_began_{};
  Instant may_search_at_{};
  DiskRoom room_;
  bool measure_ = false;                      // somebody waits for a measurement
  std::map<std::uint64_t, Waiting> waiting_;  // for room
  std::set<std::uint64_t> for_room_;          // in Phase::kRoom, until the disk is measured
  // Staging files: of fetches that were given up, found at the start, being removed.
  std::set<std::string> unneeded_;
  std::set<std::string> found_staged_;
  std::set<std::string> removing_;
  std::uint64_t begun_ = 0;
  std::size_t active_ = 0;  // begun and not ready
  std::size_t large_ = 0;   // of these, of more parts than one, or copied
  std::uint64_t small_bytes_ = 0;
};

// Row of the index with the list of a content's parts; without parts, as it is removed.
IndexRow list_row(const Id& group, const ContentName& content, const std::vector<PartRef>& parts);
// Rows of the index for a content of more than one part: its list, and where each part lies in it.
std::vector<IndexRow> content_rows(const Id& group, const ContentName& content,
                                   const std::vector<PartRef>& parts, bool present);

}  // namespace shoal::sync
