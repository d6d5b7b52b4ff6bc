#include "core/dns/response.h"

#include <algorithm>

namespace swage::dns {

MutableBytes Arena::allocate(std::size_t size) {
  CHECK(size <= 0xFFFF);
  const std::size_t rounded = (size + 7) & ~std::size_t{7};
  if (chunks_.empty() || used_ + rounded > kChunk) {
    if (!chunks_.empty()) ++chunk_;
    if (chunk_ == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
    used_ = 0;
  }
  std::uint8_t* const start = chunks_[chunk_].get() + used_;
  used_ += rounded;
  return {start, size};
}

Bytes Arena::copy(Bytes bytes) {
  const MutableBytes to = allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), to.begin());
  return to;
}

NameView Arena::copy(NameView name) { return {copy(name.bytes()).data(), name.size()}; }

void Arena::clear() {
  chunk_ = 0;
  used_ = 0;
}

namespace {
constexpr std::size_t kUsualRecords = 32;  // more than that in a section is rare and grows the vector once
}

Response::Response() {
  answer.reserve(kUsualRecords);
  authority.reserve(kUsualRecords);
  additional.reserve(kUsualRecords);
  options.reserve(4);
  static_cast<void>(arena.allocate(1));  // the first chunk, before the first query
}

namespace {

[[gnu::noinline]] void drop(std::unique_ptr<Stream>& stream, std::unique_ptr<MessageSigner>& signer) {
  stream.reset();
  signer.reset();
}

}  // namespace

void Response::clear() {
  rcode = Rcode::refused;
  authoritative = false;
  recursion_available = authentic = false;
  recursion_desired.reset();
  truncated = ask_over_tcp = compact = false;
  types.reset();
  plugin = 0;
  most_bytes = 0xFFFF;
  cache = nullptr;
  origin.port = 0;
  wildcard = {};
  answer.clear();
  authority.clear();
  additional.clear();
  options.clear();
  arena.clear();
  if (stream != nullptr || signer != nullptr) [[unlikely]]
    drop(stream, signer);
}

void Response::clear_answer() {
  rcode = Rcode::refused;
  authoritative = false;
  ask_over_tcp = compact = false;
  types.reset();
  stream.reset();
  answer.clear();
  authority.clear();
  additional.clear();
}

}  // namespace swage::dns
