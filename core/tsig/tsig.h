// Messages signed with a shared secret (RFC 8945): verified and signed, requests, responses and streams of them. No
// clock and no I/O: times come in, in seconds since 1970. Any process. Faces untrusted bytes.
//
//     a server                                          a client
//     Request request = verify_request(message, …);     Signer signer(key);
//     Signer signer(request);                           size = signer.sign(memory, size, now);   // the request
//     size = signer.sign(memory, size, now);            Verifier verifier(key, signer.mac());
//     size = signer.sign(memory, size, now);  // …      Status status = verifier.verify(response, now);   // each of
//     them
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/crypto/hmac.h"
#include "core/tsig/key.h"
#include "core/tsig/record.h"

namespace swage::tsig {

// What is to be said of a message.
enum class Status : std::uint8_t {
  none,      // it has no TSIG record
  good,      // signed by somebody who has the key
  formerr,   // its TSIG record is malformed or not where it belongs; or the MAC has a size that none may have
  badkey,    // the key, or its algorithm, is not known
  badsig,    // the MAC is not the key's
  badtime,   // signed at a time that is too far from now
  badtrunc,  // the MAC is shorter than the key's are
};

[[nodiscard]] std::string_view to_string(Status status);  // "BADKEY"; "NOERROR" for none and good
[[nodiscard]] Error error_of(Status status);              // as it stands in a response's TSIG record

// A request, and what its response needs of it. Valid as long as the message is, and what its key points to.
struct Request {
  Status status = Status::none;
  Record record;           // its `mac` and `other` point into the message
  std::optional<Key> key;  // none where it is not known
};

// In the order of RFC 8945 section 5.2: form, key, MAC, time, truncation. The time in the record may be as far from
// `now` as its fudge says.
[[nodiscard]] Request verify_request(Bytes message, const Keys& keys, std::uint64_t now);

// Signs one request; or the response to a request, and then the messages that follow it, in their order (RFC 8945
// section 5.3.1). It needs the key while it is made, not later.
class Signer {
 public:
  explicit Signer(const Key& key);
  // For the response. Where the request was not good, it says why: with a MAC where the key is known and was used,
  // without one for BADKEY and BADSIG (RFC 8945 section 5.3.2). REQUIRES: request.status is not none or formerr.
  explicit Signer(const Request& request);

  // Bytes that sign() adds at most.
  [[nodiscard]] std::size_t room() const;
  // Adds the TSIG record to the message that has `size` bytes of `memory`; gives the size of the whole. REQUIRES:
  // room() bytes after the message.
  [[nodiscard]] std::size_t sign(MutableBytes memory, std::size_t size, std::uint64_t now);

  // Of the message that was signed last.
  [[nodiscard]] Bytes mac() const { return prior_.bytes(); }

 private:
  [[nodiscard]] crypto::Mac compute(Bytes message, const Record& record);

  std::optional<crypto::Hmac> hmac_;  // none: BADKEY, BADSIG
  std::size_t mac_size_ = 0;
  Status status_ = Status::good;
  Record record_;      // but for the MAC and what sign() says
  crypto::Mac prior_;  // of the request, then of the message before; no bytes: of none
  bool has_prior_ = false;
  bool timers_only_ = false;
};

// Verifies the response to a request, and the messages that follow it. It needs the key while it is made, not later.
class Verifier {
 public:
  // `request_mac`: Signer::mac() of the request.
  Verifier(const Key& key, Bytes request_mac);

  // Each message once, in their order. Status::none: it has no TSIG record, and may be one between two that have: who
  // asks for a single response, or whose stream is at its end, must not believe it (RFC 8945 section 5.3.1); one that
  // comes after 99 of that kind is badsig. What comes after a message that is neither good nor none is worth nothing.
  //
  // A response may say that the request's TSIG was wrong: see error(). It is good where it has a MAC that is right,
  // else badsig or badkey.
  [[nodiscard]] Status verify(Bytes message, std::uint64_t now);

  // What the last TSIG record said of our request; with BADTIME, server_time() is the server's clock.
  [[nodiscard]] std::uint16_t error() const { return error_; }
  [[nodiscard]] std::uint64_t server_time() const { return server_time_; }

 private:
  crypto::Hmac hmac_;
  OwnKey key_;
  crypto::Mac prior_;
  int unsigned_ = 0;  // messages since the last that was signed
  bool first_ = true;
  std::uint16_t error_ = 0;
  std::uint64_t server_time_ = 0;
};

}  // namespace swage::tsig
