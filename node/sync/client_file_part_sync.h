// ClientFilePartSync: gets parts and pages of files from the peers of a folder, from several at once
// (commands send_file_part, send_file_details).
//
// Wanted pieces wait in one queue, the oldest first. Each peer has up to kRequestsMax requests under way, of
// up to 64 KiB of parts, so that one slow peer holds up no other. A peer that says that it does not have a
// content is not asked for it again for a while; a piece that nobody has waits for other peers, or until
// then. What a peer was asked for that has been silent for kPatience is asked for elsewhere, and taken from
// whoever gives it first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/base/contact.h"
#include "node/base/guid.h"
#include "node/rpc/rpc.h"
#include "node/sync/folder_context.h"

namespace shoal::sync {

struct WantedPiece {
  std::uint64_t file = 0;  // whoever wants it, and which of its pieces
  std::uint32_t index = 0;
  ContentName content;
  bool is_page = false;
  std::uint64_t offset = 0;  // parts
  std::uint32_t bytes = 0;   // parts; 0: the whole content, which is one part
  Id hash;
};

class PieceListener {
 public:
  virtual ~PieceListener() = default;
  // Not verified yet. `peer` is whose word it is.
  virtual void on_piece(const WantedPiece& piece, Bytes bytes, const Id& peer) = 0;
  // No peer that is there has it; it is asked for again.
  virtual void on_piece_missing(const WantedPiece& piece) = 0;
};

class ClientFilePartSync {
 public:
  // Of one peer: together less than what a session queues.
  static constexpr std::size_t kRequestsMax = 12;
  static constexpr std::size_t kPiecesPerRequestMax = 256;
  static constexpr std::size_t kPagesPerRequestMax = 1;
  static constexpr Duration kLackingFor = std::chrono::seconds(2);
  // Of a peer that has been silent for so long, what it was asked for may come from others.
  static constexpr Duration kPatience = std::chrono::seconds(3);

  ClientFilePartSync(FolderContext& context, PieceListener& listener)
      : context_(context), listener_(listener) {}

  void add_peer(Guid connection, const Contact& contact);
  void remove_peer(Guid connection);
  void want(WantedPiece piece) { queue_.push_back(std::move(piece)); }
  // Nobody wants the pieces of this file any longer.
  void forget(std::uint64_t file);
  // This peer gave bytes of the content that were not what it was asked for.
  void blame(const Id& peer, const ContentName& content);
  void advance(Rpc& rpc);
  void on_answer(const Answer& answer);
  Instant next() const;

  std::size_t peers() const { return peers_.size(); }
  std::size_t under_way() const { return requests_.size(); }

 private:
  // A host whose disk has damaged a file sends wrong bytes of it: it is not asked for more of that content in
  // this session. One that does so with many contents is not asked for anything.
  static constexpr std::size_t kWrongContentsMax = 16;
  static constexpr unsigned kWrongMax = 3;
  struct Peer {
    Contact contact;
    std::size_t requests = 0;
    Instant waiting_since;  // for the first answer, or the next one
    bool is_silent = false;
    std::map<ContentName, unsigned> wrong;   // answers
    std::map<ContentName, Instant> lacking;  // until when
  };
  struct Request {
    Guid connection;
    std::vector<WantedPiece> pieces;
    bool is_given_up = false;  // copies of the pieces are in the queue, or asked for elsewhere
  };

  bool ask(Rpc& rpc, Guid connection, Peer& peer);
  std::vector<WantedPiece> take_for(Peer& peer);
  bool may_have(Peer& peer, const ContentName& content) const;
  void give_back(Request& request);
  void give_up_silent();
  bool take_back(const WantedPiece& piece);
  void wait_for(WantedPiece piece);
  void starve();

  FolderContext& context_;
  PieceListener& listener_;
  std::map<Guid, Peer> peers_;
  std::deque<WantedPiece> queue_;
  std::deque<WantedPiece> starving_;  // nobody has them
  Instant starving_until_ = kNever;
  std::map<std::uint32_t, Request> requests_;  // by the number of the request
};

}  // namespace shoal::sync
