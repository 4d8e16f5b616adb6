#include "node/rpc/told_contacts.h"

#include <algorithm>

namespace shoal {
namespace {

template <class F>
void for_each_contact(wire::Message& message, F&& f) {
  if (auto* request = std::get_if<wire::Request>(&message)) {
    if (auto* body = std::get_if<wire::StoreHost>(&request->body)) f(body->contact);
    if (auto* body = std::get_if<wire::BroadcastPeers>(&request->body)) {
      std::ranges::for_each(body->contacts, f);
    }
    auto* test = std::get_if<wire::TestReach>(&request->body);
    if (test != nullptr && test->contact) f(*test->contact);
    return;
  }
  wire::ResponseBody& body = std::get<wire::Response>(message).body;
  if (std::vector<Contact>* contacts = contacts_of(body)) std::ranges::for_each(*contacts, f);
  auto* next = std::get_if<wire::NextConnection>(&body);
  if (next != nullptr && next->contact) f(*next->contact);
}

}  // namespace

std::vector<Contact>* contacts_of(wire::ResponseBody& body) {
  if (auto* found = std::get_if<wire::Contacts>(&body)) return &found->contacts;
  if (auto* found = std::get_if<wire::Items>(&body)) return &found->contacts;
  return nullptr;
}

void place_on_link(wire::Message& message, const Endpoint& teller) {
  if (!teller.is_v6_link_local()) return;
  for_each_contact(message, [&](Contact& contact) {
    if (contact.endpoint.is_v6_link_local()) contact.endpoint.interface = teller.interface;
  });
}

}  // namespace shoal
