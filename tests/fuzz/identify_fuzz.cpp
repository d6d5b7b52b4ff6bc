// identify against any bytes, as a message and as a stream, whole and byte by byte.
#include <cstdlib>

#include "core/libp2p/identify.h"

namespace {

using namespace swage;
using namespace swage::libp2p;

void expect(bool holds) {
  if (!holds) std::abort();
}

identify::IdentifyResult<identify::Message> read(Bytes input, std::size_t step) {
  identify::Reader reader;
  for (; !input.empty(); input = input.subspan(std::min(step, input.size()))) {
    TRY(reader.receive(input.first(std::min(step, input.size()))));
  }
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  const auto whole = read(input, size + 1);
  const auto bytewise = read(input, 1);
  expect(whole.has_value() == bytewise.has_value());
  expect(whole ? *whole == *bytewise : whole.error().text() == bytewise.error().text());

  identify::Message message;
  if (identify::merge(input, message)) {
    expect(message.protocols.size() <= identify::kMaxEntries);
    expect(message.listen_addresses.size() <= identify::kMaxEntries);
    identify::Message again;
    expect(identify::merge(identify::encode(message), again).has_value() && again == message);
  }
  return 0;
}
