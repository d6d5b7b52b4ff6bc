// What an event is as a payload of dnstap: the protobuf message Dnstap (https://dnstap.info, dnstap.proto). No I/O.
#pragma once

#include <cstdint>
#include <string>

#include "core/dnstap/ring.h"

namespace swage::dnstap {

// What a server is, in the terms of dnstap.
enum class Role : std::uint8_t {
  client,  // CLIENT_QUERY, CLIENT_RESPONSE: as CoreDNS says
  auth,    // AUTH_QUERY, AUTH_RESPONSE; UPDATE_QUERY, UPDATE_RESPONSE
};

// The same in all messages.
struct Sender {
  std::string identity, version;  // empty: left out
  Role role = Role::client;
  std::int64_t clock = 0;  // nanoseconds: what the steady clock lacks to the time since 1970
};

// Puts the payload that tells of the query, and of the response, in place of what `payload` has.
void write_query(const Event& event, const Sender& sender, std::string& payload);
// REQUIRES: event.answered.
void write_response(const Event& event, const Sender& sender, std::string& payload);

}  // namespace swage::dnstap
