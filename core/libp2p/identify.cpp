#include "core/libp2p/identify.h"

#include <algorithm>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "core/libp2p/varint.h"

namespace swage::libp2p::identify {
namespace {

using ByteVector = std::vector<std::uint8_t>;
using Kind = IdentifyError::Kind;

enum Tag : protozero::pbf_tag_type {
  kPublicKey = 1,
  kListenAddress = 2,
  kProtocolName = 3,
  kObservedAddress = 4,
  kProtocolVersion = 5,
  kAgentVersion = 6,
};

std::unexpected<IdentifyError> failure(Kind kind, std::string text) {
  return std::unexpected(IdentifyError(kind, std::move(text)));
}

ByteVector bytes_of(protozero::data_view view) { return {view.data(), view.data() + view.size()}; }

template <typename List, typename Entry>
void add(List& list, Entry entry) {
  if (list.size() < kMaxEntries) list.push_back(std::move(entry));
}

// REQUIRES: the field is of bytes. Throws where it is cut off.
void merge_field(protozero::pbf_reader& reader, Message& message) {
  const protozero::pbf_tag_type tag = reader.tag();
  const protozero::data_view view = reader.get_view();
  switch (tag) {
    case kPublicKey:
      message.public_key = bytes_of(view);
      break;
    case kListenAddress:
      add(message.listen_addresses, bytes_of(view));
      break;
    case kProtocolName:
      add(message.protocols, std::string(view.data(), view.size()));
      break;
    case kObservedAddress:
      message.observed_address = bytes_of(view);
      break;
    case kProtocolVersion:
      message.protocol_version.emplace(view.data(), view.size());
      break;
    case kAgentVersion:
      message.agent_version.emplace(view.data(), view.size());
      break;
    default:
      break;
  }
}

}  // namespace

IdentifyResult<> merge(Bytes protobuf, Message& message) {
  try {
    protozero::pbf_reader reader(reinterpret_cast<const char*>(protobuf.data()), protobuf.size());
    while (reader.next()) {
      if (reader.wire_type() == protozero::pbf_wire_type::length_delimited) {
        merge_field(reader, message);
      } else {
        reader.skip();
      }
    }
  } catch (const protozero::exception& error) {
    return failure(Kind::malformed, fmt::format("identify: {}", error.what()));
  }
  return {};
}

ByteVector encode(const Message& message) {
  std::string out;
  protozero::pbf_writer writer(out);
  const auto add_bytes = [&](Tag tag, const ByteVector& bytes) {
    writer.add_bytes(tag, as_text(bytes).data(), bytes.size());
  };
  if (message.public_key) add_bytes(kPublicKey, *message.public_key);
  for (const ByteVector& each : message.listen_addresses) add_bytes(kListenAddress, each);
  for (const std::string& each : message.protocols) writer.add_string(kProtocolName, each);
  if (message.observed_address) add_bytes(kObservedAddress, *message.observed_address);
  if (message.protocol_version) writer.add_string(kProtocolVersion, *message.protocol_version);
  if (message.agent_version) writer.add_string(kAgentVersion, *message.agent_version);
  return {out.begin(), out.end()};
}

void append_delimited(ByteVector& out, const Message& message) {
  const ByteVector protobuf = encode(message);
  varint::append(out, protobuf.size());
  out.insert(out.end(), protobuf.begin(), protobuf.end());
}

IdentifyResult<> Reader::receive(Bytes in) {
  while (!in.empty() || length_ == 0U) {
    if (!length_) {
      TRY(take_length(in));
    } else {
      TRY(take_message(in));
    }
  }
  return {};
}

IdentifyResult<> Reader::take_length(Bytes& in) {
  if (messages_ == limits_.messages) return failure(Kind::too_many, "identify: too many messages");
  unfinished_.push_back(in[0]);
  in = in.subspan(1);
  const auto length = varint::read(unfinished_);
  if (!length && length.error() == varint::Fault::incomplete) return {};
  if (!length) return failure(Kind::malformed, "identify: bad length of a message");
  if (length->value > limits_.message) {
    return failure(Kind::too_long, fmt::format("identify: a message of {} bytes", length->value));
  }
  length_ = length->value;
  unfinished_.clear();
  return {};
}

IdentifyResult<> Reader::take_message(Bytes& in) {
  const std::size_t part = std::min(in.size(), *length_ - unfinished_.size());
  unfinished_.insert(unfinished_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(part));
  in = in.subspan(part);
  if (unfinished_.size() < *length_) return {};
  TRY(merge(unfinished_, sum_));
  ++messages_;
  length_.reset();
  unfinished_.clear();
  return {};
}

IdentifyResult<Message> Reader::finish() const {
  if (messages_ == 0 || length_ || !unfinished_.empty()) {
    return failure(Kind::cut_off, "identify: the stream ended within a message");
  }
  return sum_;
}

}  // namespace swage::libp2p::identify
