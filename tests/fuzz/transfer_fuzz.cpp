// What a primary may answer to AXFR or IXFR: the first byte says which of them, then any messages, each after its
// length. What is complete becomes a zone.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "core/transfer/receiver.h"
#include "core/zone/diff.h"
#include "core/zone/view.h"

namespace {

using namespace swage;

void expect(bool holds) {
  if (!holds) std::abort();
}

std::optional<std::vector<std::uint64_t>> compile(zone::Builder& builder) {
  if (!builder.finish()) return std::nullopt;
  std::vector<std::uint64_t> image((builder.image_size() + 7) / 8);
  const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), builder.image_size());
  builder.write(bytes);
  expect(zone::View::check(bytes).has_value());
  return image;
}

// example.org with serial 1, which changes apply to.
std::vector<std::uint64_t> old_zone() {
  static constexpr std::uint8_t kSoa[22] = {0, 0, 0, 0, 0, 1};
  static constexpr std::uint8_t kAddress[] = {192, 0, 2, 1};
  zone::Builder builder(*dns::Name::parse("example.org."), 0);
  expect(builder.add(builder.apex(), dns::Type::soa, 1, kSoa).has_value());
  expect(builder.add(*dns::Name::parse("a.example.org."), dns::Type::a, 1, kAddress).has_value());
  return *compile(builder);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::uint64_t> old = old_zone();
  if (size == 0) return 0;
  transfer::Request request{*dns::Name::parse("example.org."), 0x6964};
  if (data[0] % 2 == 1) request.serial = 1;
  transfer::Receiver receiver(request, {.bytes = 1 << 20, .records = 10'000});
  Bytes rest = Bytes(data, size).subspan(1);
  bool last = false;
  while (!last) {
    if (rest.size() < 2) return 0;
    const std::size_t length = std::min<std::size_t>(load_u16(rest.data()), rest.size() - 2);
    const Result<bool> taken = receiver.take(rest.subspan(2, length));
    if (!taken) return 0;
    last = *taken;
    rest = rest.subspan(2 + length);
  }
  expect(receiver.form() != transfer::Receiver::Form::unknown);
  if (receiver.form() == transfer::Receiver::Form::current) return 0;
  if (receiver.form() == transfer::Receiver::Form::whole) {
    const auto image = compile(receiver.zone());
    if (image)
      expect(zone::View(Bytes(reinterpret_cast<const std::uint8_t*>(image->data()), 8)).serial() == receiver.serial());
    return 0;
  }
  zone::Builder builder(request.zone, 0);
  const Bytes before(reinterpret_cast<const std::uint8_t*>(old.data()), old.size() * 8);
  if (zone::apply(before, receiver.changes(), builder)) static_cast<void>(compile(builder));
  return 0;
}
