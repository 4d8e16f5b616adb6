#include "sim/group_picture.h"

#include <algorithm>
#include <utility>

namespace shoal::sim {

GroupPicture::GroupPicture(std::vector<Member> members, const CanMeet& can_meet)
    : members_(std::move(members)), pairs_(members_.size() * members_.size()) {
  const auto claims = [&](std::size_t a, std::size_t b) {
    return std::ranges::find(members_[a].sessions, members_[b].id) != members_[a].sessions.end();
  };
  for (std::size_t a = 0; a < size(); ++a) {
    for (std::size_t b = a + 1; b < size(); ++b) {
      Pair pair;
      pair.can_meet = can_meet(members_[a].host, members_[b].host);
      pair.joined = pair.can_meet && claims(a, b) && claims(b, a);
      pairs_[a * size() + b] = pairs_[b * size() + a] = pair;
    }
  }
  find_parts();
}

void GroupPicture::find_parts() {
  parts_.assign(size(), size());
  std::vector<std::size_t> ahead;
  for (std::size_t first = 0; first < size(); ++first) {
    if (parts_[first] != size()) continue;
    parts_[first] = first;
    ahead.push_back(first);
    while (!ahead.empty()) {
      const std::size_t at = ahead.back();
      ahead.pop_back();
      for (std::size_t next = 0; next < size(); ++next) {
        if (!joined(at, next) || parts_[next] != size()) continue;
        parts_[next] = first;
        ahead.push_back(next);
      }
    }
  }
}

}  // namespace shoal::sim
