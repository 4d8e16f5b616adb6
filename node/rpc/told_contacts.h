// The contacts that a message tells of, wherever it has them.
#pragma once

#include <vector>

#include "node/base/contact.h"
#include "node/wire/messages.h"

namespace shoal {

// The list of contacts of a response that has one, else nullptr.
std::vector<Contact>* contacts_of(wire::ResponseBody& body);

// Interfaces do not go on the wire. What a host on a link of ours calls link-local is on that link; what one
// from elsewhere does, is nowhere, and is left without an interface.
void place_on_link(wire::Message& message, const Endpoint& teller);

}  // namespace shoal
