#include "node/control/cli_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "node/control/base64.h"
#include "node/control/cli_output_folders.h"
#include "node/control/cli_text.h"

namespace shoal {
namespace {

using nlohmann::json;

// A node that tells of itself names no endpoint.
std::string contact_text(const json& contact) {
  if (contact.at("endpoint").is_null()) return "this host";
  return fmt::format("{} {}", text_of(contact, "host"), text_of(contact, "endpoint"));
}

// As it is where it can be read, else in base64.
std::string salt_text(const std::string& base64) {
  const Bytes salt = from_base64(base64).value_or(Bytes());
  const bool readable =
      std::all_of(salt.begin(), salt.end(), [](std::uint8_t c) { return c > ' ' && c < 127; });
  return readable ? std::string(text(salt)) : "base64:" + base64;
}

std::string find_text(const json& answer) {
  std::string out;
  for (const json& host : answer.at("closest")) {
    if (host.at("hops") == 0) {  // of the table or the store: nobody was asked
      out += contact_text(host) + "\n";
      continue;
    }
    out += fmt::format("{} hops {} {:.1f} ms\n", contact_text(host), host.at("hops").get<int>(),
                       number_of(host, "answered_after_ms"));
  }
  return out;
}

std::string next_text(const json& answer) {
  const json& contact = answer.at("contact");
  return contact.is_null() ? "the host itself\n" : contact_text(contact) + "\n";
}

std::string stored_text(const json& answer) {
  std::string out = fmt::format("stored at {} of {}\n", answer.at("stored_count").get<std::size_t>(),
                                counted(answer.at("holders").size(), "host", "hosts"));
  for (const json& holder : answer.at("holders")) {
    if (holder.at("stored").get<bool>()) continue;
    const std::string held = holder.contains("held_sequence")
                                 ? fmt::format(" (it holds sequence {})", holder["held_sequence"].dump())
                                 : "";
    out += fmt::format("refused by {}: {}{}\n", contact_text(holder), text_of(holder, "refusal"), held);
  }
  return out;
}

std::string records_text(const json& answer) {
  std::string out;
  for (const json& record : answer.at("records")) {
    const Bytes value = from_base64(text_of(record, "value")).value_or(Bytes());
    out += fmt::format("sequence {} {} until {} salt {}\n", record.at("sequence").dump(),
                       counted(value.size(), "byte", "bytes"),
                       wall_time_text(record.at("expires_ms").get<std::int64_t>()),
                       salt_text(text_of(record, "salt")));
  }
  return out;
}

std::string endpoints_text(const json& answer) {
  std::string out;
  for (const json& endpoint : answer.at("endpoints")) out += endpoint.get<std::string>() + "\n";
  return out;
}

// "nobody answers at 192.0.2.1:7465"; empty: some host does, or none was asked.
std::string unanswered_text(const json& answer) {
  std::string tried;
  for (const json& endpoint : answer.at("bootstrap_unanswered")) {
    tried += fmt::format("{} {}", tried.empty() ? "" : ",", endpoint.get<std::string>());
  }
  return tried.empty() ? tried : "nobody answers at" + tried;
}

std::string clock_text(const json& of, const char* than_whose) {
  const double ahead = number_of(of, "clock_ahead_s");
  if (ahead == 0) return {};
  return fmt::format("clock         {} {} {}\n", duration_text(std::abs(ahead)),
                     ahead > 0 ? "ahead of" : "behind", than_whose);
}

// Of a host that is, or was, a copy of this one.
std::string same_key_text(const json& answer) {
  const auto where = answer.find("same_key_at");
  if (where == answer.end() || !where->is_string()) return {};
  return fmt::format("warning       a host at {} had the same key: is it a copy of this one?\n",
                     where->get<std::string>());
}

std::string status_head(const json& answer) {
  std::string endpoints;
  for (const json& endpoint : answer.at("endpoints"))
    endpoints += fmt::format(" {}", endpoint.get<std::string>());
  std::string out = fmt::format("host          {}\n", text_of(answer, "host"));
  out += fmt::format("endpoints    {}\n", endpoints.empty() ? " none known yet" : endpoints);
  const bool known = text_of(answer, "reachability") != "unknown";
  out += fmt::format("reachable     {}\n", answer.at("client").get<bool>() ? "no (a client)"
                                           : known                         ? "yes"
                                                                           : "not known yet");
  out += fmt::format("contacts      {} and {}\n", answer.at("contacts").dump(),
                     count_text(answer, "replacements", "replacement", "replacements"));
  if (const std::string unanswered = unanswered_text(answer); !unanswered.empty())
    out += fmt::format("bootstrap     {}: check these addresses and the firewalls\n", unanswered);
  out += fmt::format("items         {}, {}\n", answer.at("items").dump(),
                     bytes_text(number_of(answer, "item_bytes")));
  out += fmt::format("sessions      {}\n", answer.at("sessions").dump());
  const json& lan = answer.at("lan");
  out += fmt::format("lan           {}, {} heard, {} confirmed\n", count_text(lan, "links", "link", "links"),
                     count_text(lan, "hosts", "host", "hosts"), lan.at("confirmed").dump());
  const json& groups = answer.at("groups");
  out += fmt::format("groups        {}, {} of {} connected\n", groups.at("count").dump(),
                     groups.at("connected").dump(), count_text(groups, "peers", "peer", "peers"));
  const json& folders = answer.at("folders");
  out +=
      fmt::format("folders       {}, {} in sync", folders.at("count").dump(), folders.at("in_sync").dump());
  const double needed = number_of(folders, "bytes_needed");
  out += needed > 0 ? fmt::format(", {} needed\n", bytes_text(needed)) : "\n";
  out += clock_text(answer, "other hosts: set the wrong one right");
  out += clock_text(groups, "that of peers, so there is no session with them: set the wrong one right");
  out += same_key_text(answer);
  out += fmt::format("up            {} (boot {})\n", duration_text(number_of(answer, "uptime_s")),
                     answer.at("boot_number").dump());
  return out;
}

std::string status_text(const json& answer) {
  std::string out = status_head(answer);
  for (const auto& [name, value] : answer.at("counters").items()) {
    if (value != 0) out += fmt::format("  {} {}\n", name, value.dump());
  }
  return out;
}

std::string peers_text(const json& answer) {
  std::string out;
  for (const json& group : answer.at("groups")) {
    out += fmt::format("group {} ({})\n", text_of(group, "group"), text_of(group, "level"));
    if (group.at("peers").empty()) out += "  no peer known yet\n";
    for (const json& peer : group.at("peers")) {
      const bool connected = peer.at("connected").get<bool>();
      std::string state = connected ? "connected" : "not connected";
      if (peer.at("host") == group.at("primary")) state = "primary, " + state;
      if (const int failed = peer.at("attempts_failed").get<int>(); failed > 0) {
        state +=
            fmt::format(", {} failed", counted(static_cast<std::uint64_t>(failed), "attempt", "attempts"));
      }
      std::string endpoints;
      for (const json& endpoint : peer.at("endpoints")) endpoints += " " + endpoint.get<std::string>();
      out += fmt::format("  {} {}, heard {} ago, at{}\n", text_of(peer, "host"), state,
                         duration_text(number_of(peer, "since_heard_s")),
                         endpoints.empty() ? " no endpoint known" : endpoints);
    }
  }
  return out.empty() ? "this host is in no group; see shoal key --help\n" : out;
}

std::string table_text(const json& answer) {
  std::string out;
  for (const json& peer : answer.at("contacts")) {
    out += fmt::format("{} rtt {:.1f} ms, seen {} ago, bucket {}\n", contact_text(peer),
                       number_of(peer, "rtt_ms"), duration_text(number_of(peer, "since_seen_s")),
                       peer.at("bucket").get<int>());
  }
  if (!out.empty()) return out;
  const std::string unanswered = unanswered_text(answer);
  return fmt::format("no contact yet: {}\n",
                     unanswered.empty() ? "no host has answered; see shoal run --bootstrap" : unanswered);
}

struct Describe {
  const json& answer;

  std::string operator()(const FindCommand&) const { return find_text(answer); }
  std::string operator()(const StoreHostCommand& command) const {
    return contact_text(answer) + (command.to ? " has taken the offer\n" : " has answered\n");
  }
  std::string operator()(const NextCommand&) const { return next_text(answer); }
  std::string operator()(const PingCommand&) const {
    if (answer.at("endpoint").is_null()) return "this is the node's own key\n";
    return fmt::format("{} answered after {:.1f} ms\n", contact_text(answer), number_of(answer, "rtt_ms"));
  }
  std::string operator()(const PutCommand&) const { return stored_text(answer); }
  std::string operator()(const GetCommand&) const { return {}; }
  std::string operator()(const PublishCommand&) const { return stored_text(answer); }
  std::string operator()(const LookupCommand& lookup) const { return lookup.all ? records_text(answer) : ""; }
  std::string operator()(const ResolveCommand&) const { return endpoints_text(answer); }
  std::string operator()(const StatusCommand&) const { return status_text(answer); }
  std::string operator()(const PeersCommand&) const { return peers_text(answer); }
  std::string operator()(const TableCommand&) const { return table_text(answer); }
  std::string operator()(const BroadcastCommand&) const {
    return fmt::format("told {}\n", count_text(answer, "peers", "peer", "peers"));
  }
  std::string operator()(const ReloadKeysCommand&) const {
    return fmt::format("in {}\n", count_text(answer, "groups", "group", "groups"));
  }
  std::string operator()(const StopCommand&) const { return "stopped\n"; }
  std::string operator()(const LogLevelCommand&) const { return text_of(answer, "level") + "\n"; }
  std::string operator()(const AddFolderCommand&) const { return folder_text(answer.at("folder")); }
  std::string operator()(const FolderCommand& command) const { return describe_folders(command, answer); }
};

}  // namespace

std::string describe_change(const json& before, const json& answer) {
  if (before.is_null()) return status_text(answer);
  const double seconds = number_of(answer, "uptime_s") - number_of(before, "uptime_s");
  std::string out = status_head(answer);
  for (const auto& [name, value] : answer.at("counters").items()) {
    if (value == 0) continue;
    out += fmt::format("  {} {}", name, value.dump());
    const double more = value.get<double>() - before.at("counters").value(name, 0.0);
    if (more > 0 && seconds > 0) out += fmt::format(" (+{:.1f}/s)", more / seconds);
    out += "\n";
  }
  return out;
}

std::string describe(const Command& command, const json& answer) {
  return std::visit(Describe{answer}, command);
}

}  // namespace shoal
