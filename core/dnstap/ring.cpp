#include "core/dnstap/ring.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "core/dnstap/record.h"
#include "core/result.h"

namespace swage::dnstap {
namespace {

constexpr std::size_t kAlign = 8;
constexpr std::uint64_t kMostLost = 1U << 20;  // in a gap: more records than fit into any ring are not believed

constexpr std::uint64_t kMostWritten = std::uint64_t{1} << 62;  // bytes: more are not believed either

struct Top {
  std::atomic<std::uint64_t> instance, reserved, written;
  std::array<std::uint8_t, 40> unused;
};
static_assert(sizeof(Top) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

std::size_t segment_of(std::size_t memory) { return (memory - sizeof(Top)) / kSegments / 64 * 64; }

constexpr std::size_t aligned(std::size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

// The largest record there can be.
constexpr std::size_t kLargest = aligned(sizeof(Head) + 255 + 3 * 65'535);
static_assert((kLeastRing - sizeof(Top)) / kSegments / 64 * 64 >= kLargest);

void set_address(std::array<std::uint8_t, 16>& to, const IpAddress& address) {
  const Bytes bytes = address.bytes();
  std::memcpy(to.data(), bytes.data(), bytes.size());
}

IpAddress address_of(const std::array<std::uint8_t, 16>& bytes, bool is_v6) {
  return is_v6 ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

Bytes bounded(Bytes piece, std::size_t most) { return piece.size() <= most ? piece : Bytes(); }

}  // namespace

RingWriter::RingWriter(MutableBytes memory, std::uint64_t instance)
    : memory_(memory.data()), segment_(segment_of(memory.size())) {
  CHECK(memory.size() >= kLeastRing && instance != 0);
  reinterpret_cast<Top*>(memory_)->instance.store(instance, std::memory_order_release);
}

void RingWriter::write(const Event& event) {
  const Bytes zone = bounded(event.zone, 255), extra = bounded(event.extra, 65'535),
              query = bounded(event.query, 65'535), response = bounded(event.response, 65'535);
  Head head;
  head.size =
      static_cast<std::uint32_t>(aligned(sizeof(Head) + zone.size() + extra.size() + query.size() + response.size()));
  head.kind = event.answered ? Kind::both : Kind::query;
  head.is_tcp = event.is_tcp ? static_cast<std::uint8_t>(1 + static_cast<unsigned>(event.scheme)) : 0;
  head.is_update = event.is_update ? 1 : 0;
  head.families = static_cast<std::uint8_t>((event.client.address.is_v6() ? kClientV6 : 0) |
                                            (event.server.address.is_v6() ? kServerV6 : 0));
  head.number = number_++;
  head.received = event.received;
  head.sent = event.sent;
  head.client_port = event.client.port;
  head.server_port = event.server.port;
  head.zone_size = static_cast<std::uint16_t>(zone.size());
  head.extra_size = static_cast<std::uint16_t>(extra.size());
  head.query_size = static_cast<std::uint16_t>(query.size());
  head.response_size = static_cast<std::uint16_t>(response.size());
  set_address(head.client, event.client.address);
  set_address(head.server, event.server.address);

  Top& top = *reinterpret_cast<Top*>(memory_);
  std::uint8_t* const data = memory_ + sizeof(Top);
  const std::size_t all = kSegments * segment_;
  const auto left = static_cast<std::uint32_t>(segment_ - position_ % segment_);
  const std::uint64_t start = head.size > left ? position_ + left : position_;
  top.reserved.store(start + head.size, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  if (start != position_) {
    const std::array<std::uint32_t, 2> padding = {left, 0};  // the start of a Head
    static_assert(sizeof padding == kPaddingSize);
    std::memcpy(data + position_ % all, padding.data(), sizeof padding);
  }
  std::uint8_t* at = data + start % all;
  std::memcpy(at, &head, sizeof head);
  at += sizeof head;
  for (const Bytes piece : {zone, extra, query, response}) {
    if (!piece.empty()) std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  position_ = start + head.size;
  top.written.store(position_, std::memory_order_release);
}

void RingReader::read(Bytes memory, std::size_t most, Batch& batch) {
  batch.events.clear();
  batch.lost = 0;
  batch.more = false;
  if (memory.size() < kLeastRing) return;
  const Top& top = *reinterpret_cast<const Top*>(memory.data());
  const std::size_t segment = segment_of(memory.size()), all = kSegments * segment;
  const std::uint64_t instance = top.instance.load(std::memory_order_acquire);
  const std::uint64_t written = top.written.load(std::memory_order_acquire);
  if (instance != instance_ || written < position_) {
    instance_ = instance;
    position_ = 0;
    number_.reset();
  }
  if (written == position_) return;
  if (written > kMostWritten) {
    position_ = written;
    return;
  }
  if (written - position_ <= all && position_ % kAlign == 0) {
    const std::size_t start = position_ % all;
    const std::size_t size =
        std::min<std::uint64_t>({written - position_, segment - position_ % segment, std::max(most, kLargest)});
    copy_.resize(size);
    std::memcpy(copy_.data(), memory.data() + sizeof(Top) + start, size);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t reserved = top.reserved.load(std::memory_order_relaxed);
    if (reserved >= written && reserved - position_ <= all) {
      parse(segment, written, batch);
      batch.more = position_ != written;
      return;
    }
  }
  // Too late: what is to be overwritten last is the half that was written last. Where that makes no sense either, what
  // is there is given up.
  const std::uint64_t half = written - std::min<std::uint64_t>(written, all / 2);
  const std::uint64_t next = (half + segment - 1) / segment * segment;
  batch.more = next > position_ && next < written;
  position_ = batch.more ? next : written;
}

// Of what was copied: as far as its records are whole. Where they make no sense it goes on with the next segment.
void RingReader::parse(std::size_t segment, std::uint64_t written, Batch& batch) {
  const std::uint64_t next_segment = std::min((position_ / segment + 1) * segment, written);
  const std::uint64_t start = position_;
  Bytes rest = copy_;
  while (rest.size() >= kPaddingSize) {
    Head head;
    std::memcpy(&head, rest.data(), std::min(sizeof head, rest.size()));
    if (head.kind == Kind::padding) {
      position_ = next_segment;
      break;
    }
    if (rest.size() < sizeof head) break;
    const std::size_t pieces = std::size_t{head.zone_size} + head.extra_size + head.query_size + head.response_size;
    const bool makes_sense = (head.kind == Kind::query || head.kind == Kind::both) && head.zone_size <= 255 &&
                             head.size == aligned(sizeof head + pieces);
    if (!makes_sense) {
      ++batch.lost;
      position_ = next_segment;
      return;
    }
    if (head.size > rest.size()) break;  // the copy ends within it
    position_ += head.size;
    take(head, rest.subspan(sizeof head, pieces), batch);
    rest = rest.subspan(head.size);
  }
  if (position_ == start) {
    ++batch.lost;
    position_ = next_segment;
  }
}

void RingReader::take(const Head& head, Bytes pieces, Batch& batch) {
  if (number_ && head.number > *number_) batch.lost += std::min(head.number - *number_, kMostLost);
  number_ = head.number + 1;
  Event event;
  event.answered = head.kind == Kind::both;
  event.is_tcp = head.is_tcp != 0;
  if (head.is_tcp == 2) event.scheme = Scheme::tls;
  if (head.is_tcp == 3) event.scheme = Scheme::https;
  event.is_update = head.is_update != 0;
  event.received = head.received;
  event.sent = head.sent;
  event.client = {address_of(head.client, (head.families & kClientV6) != 0), head.client_port, 0};
  event.server = {address_of(head.server, (head.families & kServerV6) != 0), head.server_port, 0};
  for (const auto& [piece, size] :
       {std::pair(&event.zone, head.zone_size), std::pair(&event.extra, head.extra_size),
        std::pair(&event.query, head.query_size), std::pair(&event.response, head.response_size)}) {
    *piece = pieces.first(size);
    pieces = pieces.subspan(size);
  }
  batch.events.push_back(event);
}

}  // namespace swage::dnstap
