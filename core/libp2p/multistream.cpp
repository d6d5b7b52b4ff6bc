#include "core/libp2p/multistream.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/libp2p/varint.h"
#include "core/text.h"

namespace swage::libp2p::multistream {
namespace {

using Kind = SelectError::Kind;

constexpr std::string_view kNotAvailable = "na";
constexpr std::string_view kList = "ls";

std::unexpected<SelectError> failure(Kind kind, std::string text) {
  return std::unexpected(SelectError(kind, std::move(text)));
}

// What can stand in a line of a log.
std::string shown(std::string_view message) { return printable(message.substr(0, 80)); }

bool is_protocol(std::string_view name) {
  return !name.empty() && name.size() <= kMaxText && name.find('\n') == std::string_view::npos;
}

// "ls example in detail": a message in a message for each protocol; the newline of the whole is append_message's.
std::string make_listing(const std::vector<std::string>& protocols) {
  std::vector<std::uint8_t> listing;
  for (const std::string& each : protocols) append_message(listing, each);
  return std::string(as_text(listing));
}

}  // namespace

void append_message(std::vector<std::uint8_t>& out, std::string_view text) {
  CHECK(text.size() <= kMaxText);
  varint::append(out, text.size() + 1);
  out.insert(out.end(), text.begin(), text.end());
  out.push_back('\n');
}

// Whether the size is whole now.
SelectResult<bool> MessageReader::read_size(Bytes& in) {
  while (!size_ && !in.empty()) {
    size_bytes_.push_back(in[0]);
    in = in.subspan(1);
    const auto size = varint::read(size_bytes_);
    if (!size && size.error() == varint::Fault::malformed) return failure(Kind::malformed, "bad size of a message");
    // A varint that goes on after its second byte is more than kMaxText.
    if (size ? size->value > kMaxText + 1 : size_bytes_.size() > 1) {
      return failure(Kind::too_long, "a message is too long");
    }
    if (!size) continue;
    if (size->value == 0) return failure(Kind::malformed, "a message without its newline");
    size_ = size->value;
  }
  return size_.has_value();
}

SelectResult<std::optional<std::string>> MessageReader::read(Bytes& in) {
  TRY(const bool has_size, read_size(in));
  if (!has_size) return std::nullopt;
  const std::size_t part = std::min(in.size(), *size_ - text_.size());
  text_ += as_text(in.first(part));
  in = in.subspan(part);
  if (text_.size() < *size_) return std::nullopt;
  if (text_.back() != '\n') return failure(Kind::malformed, "a message without its newline");
  text_.pop_back();
  size_.reset();
  size_bytes_.clear();
  return std::exchange(text_, {});
}

Initiator::Initiator(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {
  CHECK(!protocols_.empty() && std::ranges::all_of(protocols_, is_protocol));
  append_message(output_, kHeader);
  append_message(output_, protocols_[0]);  // with the header, as "Implementation Recommendations" wants it
}

SelectResult<> Initiator::receive(Bytes& in) {
  while (!done_) {
    TRY(const auto message, reader_.read(in));
    if (!message) return {};
    TRY(handle(*message));
  }
  return {};
}

SelectResult<> Initiator::handle(const std::string& message) {
  if (!header_seen_) {
    if (message != kHeader) return failure(Kind::unexpected, "not multistream: " + shown(message));
    header_seen_ = true;
    return {};
  }
  if (message == protocols_[proposed_]) {
    done_ = true;
    return {};
  }
  if (message != kNotAvailable) {
    return failure(Kind::unexpected,
                   fmt::format("{} was proposed, the answer is {}", shown(protocols_[proposed_]), shown(message)));
  }
  if (proposed_ + 1 == protocols_.size()) {
    return failure(Kind::refused,
                   fmt::format("{} is not available", shown(fmt::to_string(fmt::join(protocols_, ", ")))));
  }
  append_message(output_, protocols_[++proposed_]);
  return {};
}

const std::string& Initiator::selected() const {
  CHECK(done_);
  return protocols_[proposed_];
}

Responder::Responder(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {
  CHECK(std::ranges::all_of(protocols_, is_protocol));
  listing_ = make_listing(protocols_);
  CHECK(listing_.size() <= kMaxText);
}

SelectResult<> Responder::receive(Bytes& in) {
  while (!selected_) {
    TRY(const auto message, reader_.read(in));
    if (!message) return {};
    TRY(handle(*message));
  }
  return {};
}

SelectResult<> Responder::handle(const std::string& message) {
  if (!header_seen_) {
    if (message != kHeader) return failure(Kind::unexpected, "not multistream: " + shown(message));
    header_seen_ = true;
    append_message(output_, kHeader);
    return {};
  }
  if (++proposals_ > kMaxProposals) return failure(Kind::too_many_proposals, "too many proposals");
  if (message == kList) {
    append_message(output_, listing_);
  } else if (std::ranges::find(protocols_, message) != protocols_.end()) {
    append_message(output_, message);
    selected_ = message;
  } else {
    append_message(output_, kNotAvailable);
  }
  return {};
}

const std::string& Responder::selected() const {
  CHECK(selected_);
  return *selected_;
}

}  // namespace swage::libp2p::multistream
