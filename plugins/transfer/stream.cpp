#include "plugins/transfer/stream.h"

#include <utility>

namespace swage::plugins::transfer {

// Completed is what was made to the end: whether the client has read all of it, only the client knows.
ZoneStream::~ZoneStream() { (ended_ ? counts_.completed : counts_.broken).add(); }

bool ZoneStream::next(dns::Response& response) {
  for (std::size_t size = 0; !ended_;) {
    const auto record = pending_ ? std::exchange(pending_, std::nullopt) : sequence_.next();
    if (!record) {
      ended_ = true;
      break;
    }
    size += cost(*record);
    if (size > kMessage && !response.answer.empty()) {
      pending_ = record;
      break;
    }
    response.answer.push_back({record->owner, record->type, dns::Class::in, record->ttl, record->rdata});
  }
  return !response.answer.empty();
}

void ZoneStream::sent(std::size_t size) { counts_.bytes.add(size); }

}  // namespace swage::plugins::transfer
