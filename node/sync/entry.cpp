#include "node/sync/entry.h"

#include <set>
#include <tuple>

#include "node/base/check.h"

namespace shoal::sync {

namespace {

// Versions by their dots.
template <class V>
class ByDot {
 public:
  explicit ByDot(const std::vector<Version<V>>& versions) {
    for (const Version<V>& version : versions) sorted_.push_back(&version);
    std::ranges::sort(sorted_, {}, &Version<V>::dot);
  }
  const Version<V>* find(const Dot& dot) const {
    const auto at = std::ranges::lower_bound(sorted_, dot, {}, &Version<V>::dot);
    return at == sorted_.end() || (*at)->dot != dot ? nullptr : *at;
  }

 private:
  std::vector<const Version<V>*> sorted_;
};

}  // namespace

template <class V>
void Register<V>::sort() {
  std::sort(versions_.begin(), versions_.end(), before);
}

template <class V>
void Register<V>::write(Version<V> version, const Dot& replaced) {
  drop(replaced);
  context_.add(version.dot);
  versions_.push_back(std::move(version));
  sort();
}

template <class V>
void Register<V>::drop(const Dot& dot) {
  std::erase_if(versions_, [&](const Version<V>& version) { return version.dot == dot; });
}

template <class V>
bool Register<V>::has(const Dot& dot) const {
  return std::any_of(versions_.begin(), versions_.end(),
                     [&](const Version<V>& version) { return version.dot == dot; });
}

// After Almeida et al. 2014: what both have stays; what only one has stays unless the other has seen it go.
template <class V>
bool Register<V>::join(const Register& other, bool keeps_all) {
  const ByDot<V> ours(versions_);
  const ByDot<V> theirs(other.versions_);
  Register joined;
  for (const Version<V>& version : versions_) {
    const Version<V>* same = theirs.find(version.dot);
    if (same != nullptr) {
      const bool is_less = std::tie(version.lamport, version.value) < std::tie(same->lamport, same->value);
      joined.versions_.push_back(is_less ? *same : version);
    } else if (keeps_all || !other.context_.covers(version.dot)) {
      joined.versions_.push_back(version);
    }
  }
  for (const Version<V>& version : other.versions_) {
    const bool is_new = ours.find(version.dot) == nullptr;
    if (is_new && (keeps_all || !context_.covers(version.dot))) joined.versions_.push_back(version);
  }
  joined.sort();
  joined.context_ = context_;
  joined.context_.add(other.context_);
  if (joined == *this) return false;
  *this = std::move(joined);
  return true;
}

template <class V>
Register<V> Register<V>::from_parts(std::vector<Version<V>> versions, Knowledge context) {
  Register made;
  made.versions_ = std::move(versions);
  made.context_ = std::move(context);
  for (const Version<V>& version : made.versions_) made.context_.add(version.dot);
  made.sort();
  const auto same = [](const Version<V>& a, const Version<V>& b) { return a.dot == b.dot; };
  made.versions_.erase(std::unique(made.versions_.begin(), made.versions_.end(), same), made.versions_.end());
  return made;
}

template class Register<Place>;
template class Register<Content>;
template class Register<Metadata>;
template class Register<Deletion>;

bool Entry::join(const Entry& other) {
  check(id == other.id, "entries of one id");
  const bool is_of_same_writes =
      place.context() == other.place.context() && content.context() == other.content.context() &&
      metadata.context() == other.metadata.context() && deletion.context() == other.deletion.context();
  bool changed = place.join(other.place, is_of_same_writes);
  changed |= content.join(other.content, is_of_same_writes);
  changed |= metadata.join(other.metadata, is_of_same_writes);
  changed |= deletion.join(other.deletion, is_of_same_writes);
  if (other.signature > signature) {
    signature = other.signature;
    changed = true;
  }
  return changed;
}

std::vector<Dot> Entry::dots() const {
  std::set<Dot> dots;
  const auto add = [&](const auto& reg) {
    for (const auto& version : reg.versions()) dots.insert(version.dot);
  };
  add(place);
  add(content);
  add(metadata);
  add(deletion);
  return {dots.begin(), dots.end()};
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name != "." && name != ".." &&
         name != kPrivateDirectory && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

}  // namespace shoal::sync
