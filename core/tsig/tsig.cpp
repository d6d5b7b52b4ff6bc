#include "core/tsig/tsig.h"

#include <algorithm>
#include <utility>

#include "core/crypto/secret.h"
#include "core/tsig/digest.h"

namespace swage::tsig {
namespace {

constexpr int kMostUnsigned = 99;  // messages of a stream between two that are signed (RFC 8945 section 5.3.1)

crypto::Mac copy_of(Bytes mac) {
  crypto::Mac copy;
  copy.size = std::min(mac.size(), copy.data.size());
  std::copy_n(mac.begin(), copy.size, copy.data.begin());
  return copy;
}

bool starts_with(const crypto::Mac& whole, Bytes mac) { return crypto::equal(whole.bytes().first(mac.size()), mac); }

}  // namespace

std::string_view to_string(Status status) {
  constexpr std::string_view kTexts[] = {"NOERROR", "NOERROR", "FORMERR", "BADKEY", "BADSIG", "BADTIME", "BADTRUNC"};
  return kTexts[static_cast<std::size_t>(status)];
}

Error error_of(Status status) {
  switch (status) {
    case Status::badkey:
      return Error::badkey;
    case Status::badsig:
      return Error::badsig;
    case Status::badtime:
      return Error::badtime;
    case Status::badtrunc:
      return Error::badtrunc;
    default:
      return Error::none;
  }
}

Request verify_request(Bytes message, const Keys& keys, std::uint64_t now) {
  Request request;
  std::size_t start = 0;
  const Found found = find(message, request.record, start);
  if (found != Found::one) {
    request.status = found == Found::none ? Status::none : Status::formerr;
    return request;
  }
  const Record& record = request.record;
  request.status = Status::badkey;
  const std::optional<Key> key = keys.find(record.key);
  if (!key || name_of(key->algorithm) != record.algorithm.view()) return request;
  request.key = key;
  request.status = Status::formerr;
  if (!may_have_size(record.mac.size(), crypto::digest_size(key->algorithm))) return request;

  crypto::Hmac hmac(key->algorithm, key->secret);
  add_message(hmac, message.first(start), record.original_id, load_u16(&message[10]) - 1U);
  add_variables(hmac, record);
  request.status = Status::badsig;
  if (!starts_with(hmac.finish(), record.mac)) return request;
  request.status = !in_time(record, now)               ? Status::badtime
                   : record.mac.size() < key->mac_size ? Status::badtrunc
                                                       : Status::good;
  return request;
}

Signer::Signer(const Key& key) : hmac_(crypto::Hmac(key.algorithm, key.secret)), mac_size_(key.mac_size) {
  record_.key = key.name;
  record_.algorithm = name_of(key.algorithm);
}

Signer::Signer(const Request& request) : status_(request.status), record_(request.record) {
  record_.mac = record_.other = {};
  if (!request.key || status_ == Status::badsig || status_ == Status::badkey) return;
  hmac_.emplace(request.key->algorithm, request.key->secret);
  mac_size_ = request.key->mac_size;
  prior_ = copy_of(request.record.mac);
  has_prior_ = true;
}

std::size_t Signer::room() const { return size_of(record_) + mac_size_ + kTimeSize; }

std::size_t Signer::sign(MutableBytes memory, std::size_t size, std::uint64_t now) {
  const Bytes message = memory.first(size);
  const auto server_time = time_bytes(now);
  Record record = record_;
  record.error = static_cast<std::uint16_t>(error_of(status_));
  record.original_id = load_u16(message.data());
  if (status_ == Status::good || status_ == Status::badtrunc) {
    record.time = now;
    record.fudge = kFudge;
  } else if (status_ == Status::badtime) {
    record.other = server_time;  // `time` stays the client's (RFC 8945 section 5.2.3)
  }
  if (hmac_) {
    prior_ = compute(message, record);
    has_prior_ = timers_only_ = true;
    record.mac = prior_.bytes();
  }
  return append(memory, size, record);
}

crypto::Mac Signer::compute(Bytes message, const Record& record) {
  if (has_prior_) add_prior(*hmac_, prior_.bytes());
  add_message(*hmac_, message, record.original_id, load_u16(&message[10]));
  add_tsig(*hmac_, record, timers_only_);
  crypto::Mac mac = hmac_->finish();
  mac.size = mac_size_;
  return mac;
}

Verifier::Verifier(const Key& key, Bytes request_mac)
    : hmac_(key.algorithm, key.secret), key_(OwnKey::copy_of(key)), prior_(copy_of(request_mac)) {}

Status Verifier::verify(Bytes message, std::uint64_t now) {
  Record record;
  std::size_t start = 0;
  const Found found = find(message, record, start);
  if (found == Found::malformed) return Status::formerr;
  if (unsigned_ == 0) add_prior(hmac_, prior_.bytes());
  if (found == Found::none) {
    if (++unsigned_ > kMostUnsigned) return Status::badsig;
    add_message(hmac_, message, load_u16(message.data()), load_u16(&message[10]));
    return Status::none;
  }
  error_ = record.error;
  if (record.other.size() == kTimeSize) server_time_ = load_time(record.other.data());
  const Key key = key_.key();
  if (record.key.view() != key.name || record.algorithm.view() != name_of(key.algorithm)) return Status::badkey;
  if (record.mac.empty()) return record.error == static_cast<int>(Error::badkey) ? Status::badkey : Status::badsig;
  if (!may_have_size(record.mac.size(), crypto::digest_size(key.algorithm))) return Status::formerr;

  add_message(hmac_, message.first(start), record.original_id, load_u16(&message[10]) - 1U);
  add_tsig(hmac_, record, !std::exchange(first_, false));
  unsigned_ = 0;
  if (!starts_with(hmac_.finish(), record.mac)) return Status::badsig;
  prior_ = copy_of(record.mac);
  if (record.mac.size() < key.mac_size) return Status::badtrunc;
  if (record.error == static_cast<int>(Error::badtime)) return Status::good;  // with our own time, that was too far off
  return in_time(record, now) ? Status::good : Status::badtime;
}

}  // namespace swage::tsig
