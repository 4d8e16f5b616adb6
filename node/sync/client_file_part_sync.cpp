#include "node/sync/client_file_part_sync.h"

#include <algorithm>
#include <utility>

namespace shoal::sync {
namespace {

// Of the queue, looked through for pieces that one peer may have.
constexpr std::size_t kLookedThroughMax = 512;
constexpr std::uint32_t kBytesPerRequestMax = wire::kValueBytesMax;

wire::FileContent on_wire(const ContentName& content) {
  return {content.root, content.depth, content.size};
}

std::uint32_t bytes_of(const WantedPiece& piece) {
  return piece.bytes != 0 ? piece.bytes : static_cast<std::uint32_t>(piece.content.size);
}

}  // namespace

void ClientFilePartSync::add_peer(Guid connection, const Contact& contact) {
  peers_[connection].contact = contact;
  starve();
}

void ClientFilePartSync::remove_peer(Guid connection) {
  if (peers_.erase(connection) == 0) return;
  for (auto request = requests_.begin(); request != requests_.end();) {
    if (request->second.connection != connection) {
      ++request;
      continue;
    }
    give_back(request->second);
    request = requests_.erase(request);
  }
}

void ClientFilePartSync::give_back(Request& request) {
  if (request.is_given_up) return;
  for (const WantedPiece& piece : request.pieces) {
    if (piece.file != 0) queue_.push_front(piece);
  }
  request.is_given_up = true;
}

void ClientFilePartSync::forget(std::uint64_t file) {
  const auto is_of_file = [&](const WantedPiece& piece) { return piece.file == file; };
  std::erase_if(queue_, is_of_file);
  std::erase_if(starving_, is_of_file);
  for (auto& [number, request] : requests_) {
    for (WantedPiece& piece : request.pieces) {
      if (is_of_file(piece)) piece.file = 0;
    }
  }
}

void ClientFilePartSync::blame(const Id& peer, const ContentName& content) {
  for (auto& [connection, known] : peers_) {
    if (known.contact.key == peer) ++known.wrong[content];
  }
}

Instant ClientFilePartSync::next() const {
  Instant next = starving_.empty() ? kNever : starving_until_;
  for (const auto& [connection, peer] : peers_) {
    if (peer.requests > 0 && !peer.is_silent) next = std::min(next, peer.waiting_since + kPatience);
  }
  return next;
}

void ClientFilePartSync::give_up_silent() {
  for (auto& [connection, peer] : peers_) {
    if (peer.requests == 0 || peer.is_silent || peer.waiting_since + kPatience > context_.now()) continue;
    peer.is_silent = true;
    for (auto& [number, request] : requests_) {
      if (request.connection == connection) give_back(request);
    }
  }
}

// Of a piece that was given up: has nobody else been asked for it yet?
bool ClientFilePartSync::take_back(const WantedPiece& piece) {
  const auto is_it = [&](const WantedPiece& other) {
    return other.file == piece.file && other.index == piece.index && other.is_page == piece.is_page &&
           other.hash == piece.hash;
  };
  for (std::deque<WantedPiece>* waiting : {&queue_, &starving_}) {
    const auto found = std::ranges::find_if(*waiting, is_it);
    if (found == waiting->end()) continue;
    waiting->erase(found);
    return true;
  }
  return false;
}

void ClientFilePartSync::starve() {
  starving_until_ = kNever;
  for (WantedPiece& piece : std::exchange(starving_, {})) queue_.push_back(std::move(piece));
}

void ClientFilePartSync::advance(Rpc& rpc) {
  if (starving_until_ <= context_.now()) starve();
  give_up_silent();
  for (bool asked = true; asked && !queue_.empty();) {
    asked = false;
    for (auto& [connection, peer] : peers_) asked |= ask(rpc, connection, peer);
  }
  const auto is_open = [](const auto& entry) { return !entry.second.is_given_up; };
  if (queue_.empty() || std::ranges::any_of(requests_, is_open)) return;
  // Nobody who is there can be asked for what is left.
  for (WantedPiece& piece : std::exchange(queue_, {})) wait_for(std::move(piece));
}

void ClientFilePartSync::wait_for(WantedPiece piece) {
  starving_until_ = std::min(starving_until_, context_.now() + kLackingFor);
  listener_.on_piece_missing(piece);
  starving_.push_back(std::move(piece));
}

bool ClientFilePartSync::may_have(Peer& peer, const ContentName& content) const {
  const auto wrong = peer.wrong.find(content);
  if (wrong != peer.wrong.end() && wrong->second >= kWrongMax) return false;
  const auto lacking = peer.lacking.find(content);
  if (lacking == peer.lacking.end()) return true;
  if (lacking->second > context_.now()) return false;
  peer.lacking.erase(lacking);
  return true;
}

std::vector<WantedPiece> ClientFilePartSync::take_for(Peer& peer) {
  std::vector<WantedPiece> taken;
  std::uint32_t bytes = 0;
  std::size_t looked_at = 0;
  for (auto piece = queue_.begin(); piece != queue_.end() && looked_at < kLookedThroughMax; ++looked_at) {
    if (!may_have(peer, piece->content) || (!taken.empty() && taken.front().is_page != piece->is_page)) {
      ++piece;
      continue;
    }
    if (piece->is_page) {
      if (!taken.empty() &&
          (taken.size() == kPagesPerRequestMax || taken.front().content != piece->content)) {
        break;
      }
    } else if (taken.size() == kPiecesPerRequestMax || bytes + bytes_of(*piece) > kBytesPerRequestMax) {
      break;
    }
    bytes += piece->is_page ? 0 : bytes_of(*piece);
    taken.push_back(std::move(*piece));
    piece = queue_.erase(piece);
  }
  return taken;
}

bool ClientFilePartSync::ask(Rpc& rpc, Guid connection, Peer& peer) {
  if (peer.requests >= kRequestsMax || peer.wrong.size() >= kWrongContentsMax || peer.is_silent) return false;
  std::vector<WantedPiece> pieces = take_for(peer);
  if (pieces.empty()) return false;
  OutRequest out = context_.request_to(peer.contact, connection, FolderContext::Asker::kParts);
  if (pieces.front().is_page) {
    wire::SendFileDetails body{context_.group, on_wire(pieces.front().content), {}};
    for (const WantedPiece& piece : pieces) body.pages.push_back(piece.hash);
    out.body = std::move(body);
  } else {
    wire::SendFileParts body{context_.group, {}};
    for (const WantedPiece& piece : pieces) {
      body.parts.push_back({on_wire(piece.content), piece.offset, bytes_of(piece)});
    }
    out.body = std::move(body);
  }
  const std::uint32_t number = out.completion.guid.slot;
  if (!rpc.request(std::move(out))) {
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) queue_.push_front(std::move(*piece));
    return false;
  }
  if (peer.requests++ == 0) peer.waiting_since = context_.now();
  requests_.emplace(number, Request{connection, std::move(pieces)});
  return true;
}

void ClientFilePartSync::on_answer(const Answer& answer) {
  auto ended = requests_.extract(answer.completion.guid.slot);
  if (ended.empty()) return;
  Request& request = ended.mapped();
  const auto peer = peers_.find(request.connection);
  if (peer != peers_.end()) {
    --peer->second.requests;
    peer->second.waiting_since = context_.now();
    peer->second.is_silent = false;
  }
  std::vector<Bytes> found;
  if (answer.response != nullptr) {
    if (const auto* parts = std::get_if<wire::RecvFileParts>(&answer.response->body)) {
      found = parts->parts;
    } else if (const auto* details = std::get_if<wire::RecvFileDetails>(&answer.response->body)) {
      found = details->pages;
    }
  }
  found.resize(request.pieces.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    WantedPiece& piece = request.pieces[i];
    if (piece.file == 0) continue;
    if (request.is_given_up && (found[i].empty() || !take_back(piece))) continue;
    if (!found[i].empty()) {
      listener_.on_piece(piece, std::move(found[i]), answer.from.key);
      continue;
    }
    if (peer != peers_.end()) {
      peer->second.lacking[piece.content] = context_.now() + kLackingFor;
    }
    queue_.push_back(std::move(piece));
  }
}

}  // namespace shoal::sync
