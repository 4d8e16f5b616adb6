#include "node/control/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "node/control/base64.h"
#include "node/control/json_fields.h"
#include "node/control/protocol_folders.h"
#include "node/wire/messages.h"

namespace shoal {
namespace {

using nlohmann::json;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// Indexes the alternatives of Command.
constexpr std::array<const char*, std::variant_size_v<Command>> kCommandNames = {
    "find",        "next",       "ping",   "put",       "get",        "publish",
    "lookup",      "resolve",    "status", "table",     "peers",      "broadcast",
    "reload_keys", "store_host", "stop",   "log_level", "add_folder", "folder"};
// FindCommand::Where
constexpr std::array<const char*, 3> kWheres = {"dht", "table", "store"};

// Invalid UTF-8 can only come from a message that quotes bytes; it must not end the process.
std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

// ---- commands

// The node itself has no endpoint in its own answers.
json encode_contact(const Contact& contact) {
  return {{"host", contact.key.hex()},
          {"endpoint", contact.endpoint ? json(contact.endpoint.to_string()) : json()}};
}

void encode_fields(json& out, const Command& command) {
  std::visit(Overloaded{[&](const FindCommand& c) {
                          out["target"] = c.target.hex();
                          out["where"] = kWheres[static_cast<std::size_t>(c.where)];
                        },
                        [&](const StoreHostCommand& c) {
                          out["contact"] = encode_contact(c.contact);
                          if (c.to) out["to"] = encode_contact(*c.to);
                        },
                        [&](const NextCommand& c) {
                          out["target"] = c.target.hex();
                          if (c.ask) out["ask"] = encode_contact(*c.ask);
                        },
                        [&](const PingCommand& c) {
                          out["host"] = c.host.hex();
                          if (c.endpoint) out["endpoint"] = c.endpoint->to_string();
                        },
                        [&](const PutCommand& c) { out["value"] = to_base64(c.value); },
                        [&](const GetCommand& c) { out["key"] = c.key.hex(); },
                        [&](const PublishCommand& c) {
                          out["secret"] = to_hex(c.secret);
                          out["salt"] = to_base64(c.salt);
                          out["value"] = to_base64(c.value);
                          if (c.sequence) out["sequence"] = *c.sequence;
                          if (c.expected_sequence) out["expected_sequence"] = *c.expected_sequence;
                          if (c.lifetime) out["lifetime_ms"] = *c.lifetime / 1ms;
                        },
                        [&](const LookupCommand& c) {
                          out["public_key"] = c.public_key.hex();
                          out["salt"] = to_base64(c.salt);
                          out["all"] = c.all;
                        },
                        [&](const ResolveCommand& c) { out["host"] = c.host.hex(); },
                        [&](const BroadcastCommand& c) {
                          out["group"] = c.group.hex();
                          out["event"] = to_base64(c.event);
                        },
                        // No fields.
                        [](const StatusCommand&) {}, [](const TableCommand&) {}, [](const PeersCommand&) {},
                        [](const ReloadKeysCommand&) {}, [](const StopCommand&) {},
                        [&](const LogLevelCommand& c) {
                          if (!c.level.empty()) out["level"] = c.level;
                        },
                        [&](const AddFolderCommand& c) { encode_fields(out, c); },
                        [&](const FolderCommand& c) { encode_fields(out, c); }},
             command);
}

std::optional<Contact> decode_contact(JsonFields& fields, const char* name) {
  const json* object = fields.object(name);
  if (object == nullptr) return std::nullopt;
  JsonFields inner(*object);
  Contact contact{inner.id("host"), inner.endpoint("endpoint", true).value_or(Endpoint{})};
  if (std::optional<Error> error = inner.finish()) {
    fields.error(error->code, fmt::format("'{}': {}", name, error->message));
  }
  return contact;
}

FindCommand decode_find(JsonFields& fields) {
  FindCommand command{fields.id("target")};
  const std::string* where = fields.string("where", false);
  if (where == nullptr) return command;
  const auto known = std::ranges::find(kWheres, *where);
  if (known == kWheres.end()) fields.expected("where", "dht, table or store");
  command.where = static_cast<FindCommand::Where>(known - kWheres.begin());
  return command;
}

StoreHostCommand decode_store_host(JsonFields& fields) {
  const std::optional<Contact> contact = decode_contact(fields, "contact");
  if (!contact) fields.error(ErrorCode::kMalformed, "'contact' is missing");
  return {contact.value_or(Contact{}), decode_contact(fields, "to")};
}

PublishCommand decode_publish(JsonFields& fields) {
  PublishCommand command;
  fields.hex("secret", command.secret);
  command.salt = fields.bytes("salt", wire::kSaltBytesMax, false);
  command.value = fields.bytes("value", wire::kValueBytesMax, true);
  command.sequence = fields.number("sequence");
  command.expected_sequence = fields.number("expected_sequence");
  const auto lifetime_max = static_cast<std::uint64_t>(kItemLifetimeMax / 1ms);
  if (const auto lifetime = fields.number("lifetime_ms", lifetime_max)) {
    command.lifetime = std::chrono::milliseconds(*lifetime);
  }
  return command;
}

LookupCommand decode_lookup(JsonFields& fields) {
  LookupCommand command;
  command.public_key = fields.id("public_key");
  command.salt = fields.bytes("salt", wire::kSaltBytesMax, false);
  command.all = fields.flag("all");
  return command;
}

Command decode_command(JsonFields& fields) {
  const std::string* name = fields.string("command", true);
  if (name == nullptr) return StatusCommand{};
  if (*name == "find") return decode_find(fields);
  if (*name == "store_host") return decode_store_host(fields);
  if (*name == "next") {
    const Id target = fields.id("target");
    return NextCommand{target, decode_contact(fields, "ask")};
  }
  if (*name == "ping") {
    const Id host = fields.id("host");
    return PingCommand{host, fields.endpoint("endpoint")};
  }
  if (*name == "put") return PutCommand{fields.bytes("value", wire::kValueBytesMax, true)};
  if (*name == "get") return GetCommand{fields.id("key")};
  if (*name == "publish") return decode_publish(fields);
  if (*name == "lookup") return decode_lookup(fields);
  if (*name == "resolve") return ResolveCommand{fields.id("host")};
  if (*name == "table") return TableCommand{};
  if (*name == "peers") return PeersCommand{};
  if (*name == "broadcast") {
    const Id group = fields.id("group");
    return BroadcastCommand{group, fields.bytes("event", wire::kFsEventBytesMax, true)};
  }
  if (*name == "reload_keys") return ReloadKeysCommand{};
  if (*name == "stop") return StopCommand{};
  if (*name == "log_level") {
    const std::string* level = fields.string("level", false);
    return LogLevelCommand{level == nullptr ? "" : *level};
  }
  if (*name == "add_folder") return decode_add_folder(fields);
  if (*name == "folder") return decode_folder(fields);
  if (*name != "status") {
    fields.error(ErrorCode::kUnsupported, fmt::format("'{}' is no command: expected one of {}", *name,
                                                      fmt::join(kCommandNames, ", ")));
  }
  return StatusCommand{};
}

// ---- results

json encode_summary(const LookupReport& report) {
  return {{"requests", report.requests}, {"duration_ms", to_milliseconds(report.duration)}};
}

json encode_report(const LookupReport& report) {
  json closest = json::array();
  for (const LookupReport::Host& host : report.closest) {
    json row = encode_contact(host.contact);
    row["hops"] = host.hops;
    row["answered_after_ms"] = to_milliseconds(host.answered_after);
    closest.push_back(std::move(row));
  }
  json steps = json::array();
  for (const LookupReport::Step& step : report.steps) {
    json row = encode_contact(step.asked);
    row["told_by"] = step.told_by.hex();
    row["hops"] = step.hops;
    row["sent_after_ms"] = to_milliseconds(step.sent_after);
    row["ended_after_ms"] = to_milliseconds(step.ended_after);
    row["outcome"] = to_string(step.outcome);
    steps.push_back(std::move(row));
  }
  json out = encode_summary(report);
  out["target"] = report.target.hex();
  out["closest"] = std::move(closest);
  out["steps"] = std::move(steps);
  return out;
}

json encode_result(const FindResult& result) {
  return encode_report(result.lookup);
}

json encode_result(const NextResult& result) {
  return {{"contact", result.contact ? encode_contact(*result.contact) : json(nullptr)}};
}

json encode_result(const PingResult& result) {
  json out = encode_contact(result.contact);
  out["rtt_ms"] = to_milliseconds(result.rtt);
  return out;
}

json encode_result(const StoreResult& result) {
  json holders = json::array();
  for (const StoreResult::Holder& holder : result.holders) {
    json row = encode_contact(holder.contact);
    row["stored"] = holder.refusal == ErrorCode::kNone;
    if (holder.refusal != ErrorCode::kNone) row["refusal"] = to_string(holder.refusal);
    if (holder.held_sequence != 0) row["held_sequence"] = holder.held_sequence;
    holders.push_back(std::move(row));
  }
  return {{"key", result.key.hex()},
          {"sequence", result.sequence},
          {"stored_count", result.stored_count()},
          {"holders", std::move(holders)},
          {"lookup", encode_summary(result.lookup)}};
}

json encode_result(const GetResult& result) {
  return {{"value", to_base64(result.value)}, {"lookup", encode_summary(result.lookup)}};
}

json encode_result(const PublishedResult& result) {
  json records = json::array();
  for (const PublishRecord& record : result.records) {
    records.push_back({{"public_key", record.public_key.hex()},
                       {"sequence", record.sequence},
                       {"expires_ms", record.expires.time_since_epoch().count()},
                       {"salt", to_base64(record.salt)},
                       {"value", to_base64(record.value)}});
  }
  return {{"records", std::move(records)}, {"lookup", encode_summary(result.lookup)}};
}

json encode_endpoints(const std::vector<Endpoint>& endpoints) {
  json out = json::array();
  for (const Endpoint& endpoint : endpoints) out.push_back(endpoint.to_string());
  return out;
}

json encode_result(const ResolveResult& result) {
  return {{"host", result.record.host.hex()},
          {"sequence", result.record.sequence},
          {"expires_ms", result.record.expires.time_since_epoch().count()},
          {"endpoints", encode_endpoints(result.record.endpoints)},
          {"lookup", encode_summary(result.lookup)}};
}

json encode_result(const StatusResult& result) {
  json counters = json::object();
  for (const auto& [name, value] : result.counters) counters[name] = value;
  return {{"host", result.host.hex()},
          {"endpoints", encode_endpoints(result.endpoints)},
          {"client", result.client},
          {"reachability", result.reachability},
          {"boot_number", result.boot_number},
          {"contacts", result.contacts},
          {"replacements", result.replacements},
          {"items", result.items},
          {"item_bytes", result.item_bytes},
          {"sessions", result.sessions},
          {"lan",
           {{"links", result.lan.links}, {"hosts", result.lan.hosts}, {"confirmed", result.lan.confirmed}}},
          {"groups",
           {{"count", result.groups.count},
            {"peers", result.groups.peers},
            {"connected", result.groups.connected},
            {"clock_ahead_s", to_seconds(result.groups.clock_ahead)}}},
          {"folders",
           {{"count", result.folders.count},
            {"in_sync", result.folders.in_sync},
            {"bytes_needed", result.folders.bytes_needed}}},
          {"clock_ahead_s", to_seconds(result.clock_ahead)},
          {"bootstrap_unanswered", encode_endpoints(result.bootstrap_unanswered)},
          {"same_key_at", result.same_key ? json(result.same_key->to_string()) : json(nullptr)},
          {"uptime_s", to_seconds(result.uptime)},
          {"counters", std::move(counters)}};
}

json encode_peer(const GroupStatus::Peer& peer) {
  return {{"host", peer.host.hex()},
          {"endpoints", encode_endpoints(peer.endpoints)},
          {"connected", peer.connected},
          {"since_heard_s", to_seconds(peer.since_heard)},
          {"attempts_failed", peer.attempts}};
}

json encode_time(const std::optional<WallTime>& time) {
  return time ? json(time->time_since_epoch().count()) : json();
}

json encode_result(const PeersResult& result) {
  json groups = json::array();
  for (const GroupStatus& group : result.groups) {
    json peers = json::array();
    for (const GroupStatus::Peer& peer : group.peers) peers.push_back(encode_peer(peer));
    groups.push_back({{"group", group.id.hex()},
                      {"level", to_string(group.level)},
                      {"records", group.records},
                      {"primary", group.primary ? json(group.primary->hex()) : json()},
                      {"epoch", group.epoch},
                      {"published_ms", encode_time(group.published)},
                      {"read_ms", encode_time(group.read)},
                      {"peers", std::move(peers)}});
  }
  return {{"groups", std::move(groups)}};
}

json encode_result(const BroadcastResult& result) {
  return {{"peers", result.peers}};
}

json encode_result(const StoreHostResult& result) {
  return encode_contact(result.told);
}

json encode_result(const ReloadKeysResult& result) {
  return {{"groups", result.groups}};
}

json encode_result(const TableResult& result) {
  json rows = json::array();
  for (const TableResult::Row& row : result.rows) {
    json out = encode_contact(row.contact);
    out["rtt_ms"] = to_milliseconds(row.rtt);
    out["since_seen_s"] = to_seconds(row.since_seen);
    out["bucket"] = row.bucket;
    rows.push_back(std::move(out));
  }
  return {{"contacts", std::move(rows)},
          {"bootstrap_unanswered", encode_endpoints(result.bootstrap_unanswered)}};
}

json encode_result(const StopResult&) {
  return {{"stopped", true}};
}

json encode_result(const LogLevelResult& result) {
  return {{"level", result.level}};
}

json encode_error(const Error& error) {
  return {{"code", to_string(error.code)}, {"message", error.message}};
}

std::uint64_t id_of(const json& object) {
  const auto id = object.find("id");
  return id != object.end() && id->is_number_unsigned() ? id->get<std::uint64_t>() : 0;
}

}  // namespace

std::string encode_request(const ControlRequest& request) {
  json out = {{"id", request.id}, {"command", kCommandNames[request.command.index()]}};
  encode_fields(out, request.command);
  return line_of(out);
}

tl::expected<ControlRequest, BadRequest> decode_request(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) {
    return tl::unexpected(BadRequest{0, {ErrorCode::kMalformed, "the line is not one JSON object"}});
  }
  JsonFields fields(object);
  fields.number("id");
  Command command = decode_command(fields);
  if (std::optional<Error> error = fields.finish()) {
    return tl::unexpected(BadRequest{id_of(object), std::move(*error)});
  }
  return ControlRequest{id_of(object), std::move(command)};
}

std::string encode_answer(std::uint64_t id, const CommandResult& result) {
  json out = {{"id", id}};
  if (result) {
    out["ok"] = std::visit([](const auto& of_kind) { return encode_result(of_kind); }, *result);
  } else {
    out["error"] = encode_error(result.error());
  }
  return line_of(out);
}

Result<ControlAnswer> decode_answer(std::string_view line) {
  json object = json::parse(line, nullptr, false);
  if (object.is_object() && object.contains("ok") && object["ok"].is_object()) {
    return ControlAnswer{id_of(object), std::move(object["ok"])};
  }
  if (object.is_object() && object.contains("error") && object["error"].is_object()) {
    const json& error = object["error"];
    const std::string name = error.value("code", json()).is_string() ? error["code"].get<std::string>() : "";
    const std::string message =
        error.value("message", json()).is_string() ? error["message"].get<std::string>() : "";
    return ControlAnswer{id_of(object), fail(error_code_of(name).value_or(ErrorCode::kUnsupported), message)};
  }
  return fail(ErrorCode::kMalformed, "the node's answer is not of the control protocol");
}

std::optional<ErrorCode> error_code_of(std::string_view name) {
  // Codes lie in two runs (base/result.h).
  for (const auto& [first, last] : {std::pair(1, 13), std::pair(100, 105)}) {
    for (int code = first; code <= last; ++code) {
      if (name == to_string(static_cast<ErrorCode>(code))) return static_cast<ErrorCode>(code);
    }
  }
  return std::nullopt;
}

}  // namespace shoal
