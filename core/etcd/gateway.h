// The JSON of etcd's gateway: requests as text, and what replies say. int64 are strings there, bytes are base64, and
// what is 0 or empty is left out. No I/O. Internal to core/etcd.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/etcd/client.h"
#include "core/etcd/types.h"

namespace swage::etcd::gateway {

// Where requests go, below an endpoint.
inline constexpr std::string_view kPut = "/v3/kv/put", kRange = "/v3/kv/range", kRemove = "/v3/kv/deleterange",
                                  kTransact = "/v3/kv/txn", kGrant = "/v3/lease/grant",
                                  kKeepAlive = "/v3/lease/keepalive", kRevoke = "/v3/lease/revoke",
                                  kAuthenticate = "/v3/auth/authenticate", kWatch = "/v3/watch";

[[nodiscard]] std::string text_of(const Put& put);
[[nodiscard]] std::string text_of(const Remove& remove);
[[nodiscard]] std::string text_of(const Range& range);
[[nodiscard]] std::string text_of(const Transaction& transaction);
[[nodiscard]] std::string grant_text(std::chrono::seconds ttl);
[[nodiscard]] std::string lease_text(LeaseId lease);
[[nodiscard]] std::string authenticate_text(const std::string& user, const std::string& password);
[[nodiscard]] std::string watch_text(const Range& range, Revision from);

// What a reply with the status 200 says. A Failure has no endpoint in its text, here and below.
[[nodiscard]] Expected<Revision> revision_in(std::string_view reply);  // of the header
[[nodiscard]] Expected<Page> page_in(std::string_view reply);
[[nodiscard]] Expected<Transacted> transacted_in(std::string_view reply);
[[nodiscard]] Expected<Client::Granted> granted_in(std::string_view reply);
[[nodiscard]] Expected<std::chrono::seconds> kept_alive_in(std::string_view reply);
[[nodiscard]] Expected<std::string> token_in(std::string_view reply);

// What a reply with another status says.
[[nodiscard]] Failure failure_in(unsigned status, std::string_view reply);

// A line of a watch's stream: the events are what came, `seen` the revision of the last one, or 0 where there is none.
[[nodiscard]] Expected<Batch> batch_in(std::string_view line);

}  // namespace swage::etcd::gateway
