// Peer ID labels: the decoder of the hot path against the slow reference. Seeds: tests/fuzz/corpus/peer_id.
#include "tests/support/naive_peer_id.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  swage::tests::check_peer_id_input({data, size});
  return 0;
}
