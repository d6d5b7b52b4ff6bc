#include "tests/support/transfer_message.h"

#include <ldns/ldns.h>

#include <cstdlib>

#include "core/bytes.h"

namespace swage::tests {

Packet transfer_message(std::uint16_t id, std::string_view zone, std::string_view type, std::string_view records) {
  Packet message = encode({std::string(zone), std::string(type), "IN", id, kQr | kAa});
  std::uint16_t count = 0;
  while (!records.empty()) {
    const std::string line(records.substr(0, records.find('\n')));
    records.remove_prefix(std::min(line.size() + 1, records.size()));
    ldns_rr* record = nullptr;
    CHECK(ldns_rr_new_frm_str(&record, line.c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK);
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    CHECK(ldns_rr2wire(&wire, record, LDNS_SECTION_ANSWER, &size) == LDNS_STATUS_OK);
    message.insert(message.end(), wire, wire + size);
    std::free(wire);
    ldns_rr_free(record);
    ++count;
  }
  store_u16(&message[6], count);
  return message;
}

}  // namespace swage::tests
