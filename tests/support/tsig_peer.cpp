#include "tests/support/tsig_peer.h"

#include <ldns/ldns.h>

#include <memory>

#include "core/result.h"

namespace swage::tests {
namespace {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using LdnsPacket = std::unique_ptr<ldns_pkt, FreePacket>;

LdnsPacket read(Bytes message) {
  ldns_pkt* packet = nullptr;
  CHECK(ldns_wire2pkt(&packet, message.data(), message.size()) == LDNS_STATUS_OK);
  return LdnsPacket(packet);
}

}  // namespace

bool ldns_verifies(Bytes message, const TsigPeersKey& key, Bytes prior, TsigPart part) {
  const LdnsPacket packet = read(message);
  std::vector<std::uint8_t> sized(2 + prior.size());
  store_u16(sized.data(), static_cast<std::uint16_t>(prior.size()));
  std::copy(prior.begin(), prior.end(), sized.begin() + 2);
  ldns_rdf* const mac =
      prior.empty() ? nullptr : ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, sized.size(), sized.data());
  const bool good = ldns_pkt_tsig_verify_next(packet.get(), message.data(), message.size(), key.name.c_str(),
                                              key.secret.c_str(), mac, part == TsigPart::later ? 1 : 0);
  ldns_rdf_deep_free(mac);
  return good;
}

std::vector<std::uint8_t> ldns_signs(Bytes message, const TsigPeersKey& key, const char* algorithm) {
  const LdnsPacket packet = read(message);
  CHECK(ldns_pkt_tsig_sign(packet.get(), key.name.c_str(), key.secret.c_str(), 300, algorithm, nullptr) ==
        LDNS_STATUS_OK);
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  CHECK(ldns_pkt2wire(&wire, packet.get(), &size) == LDNS_STATUS_OK);
  std::vector<std::uint8_t> bytes(wire, wire + size);
  LDNS_FREE(wire);
  return bytes;
}

}  // namespace swage::tests
