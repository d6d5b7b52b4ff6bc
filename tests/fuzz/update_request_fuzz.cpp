// A dynamic update, as the service process is handed it, and a journal that somebody has damaged: any bytes. What an
// update leaves of a zone is a zone, and its changes lead to it.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/update/apply.h"
#include "core/update/journal.h"
#include "core/zonefile/reader.h"

namespace {

using namespace swage;

constexpr const char* kZone =
    "$TTL 60\n@ SOA ns host 10 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\nwww TXT a\nalias CNAME www\nmail MX "
    "10 "
    "www\nw WKS 192.0.2.6 tcp smtp\nsub NS ns.sub\n";

const dns::Name& apex() {
  static const dns::Name name = *dns::Name::parse("example.org");
  return name;
}

std::vector<std::uint64_t> image_of(zone::Builder& builder) {
  std::vector<std::uint64_t> image(builder.image_size() / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8});
  return image;
}

std::vector<std::uint64_t> first_image() {
  zone::Builder builder(apex());
  CHECK(zonefile::read_text(kZone, "zone", apex(), builder));
  return image_of(builder);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::uint64_t> image = first_image();
  const Bytes zone(reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * 8);
  const Bytes input(data, size);
  if (size >= 12) static_cast<void>(update::response_to(input, dns::Rcode::refused));
  if (update::read_start(input)) {
    static_cast<void>(update::read_entries(input, [](const update::JournalEntry&) { return Result<>(); }));
  }
  const auto request = update::Request::read(input);
  if (!request) return 0;
  update::Settings settings;
  settings.rules.add({apex(), {*update::Pattern::parse("example.org"), *update::Pattern::parse("*.example.org")}, {}});
  update::EditedZone edited(zone), again(zone);
  const update::Updated updated = update::update(*request, apex(), settings, 1'700'000'000, edited);
  CHECK(updated.rcode == dns::Rcode::noerror || updated.changes.empty());
  CHECK(again.replay(updated.changes));
  zone::Builder one(apex()), other(apex());
  if (!edited.build(one)) return 0;  // too large for a message
  CHECK(again.build(other));
  CHECK(image_of(one) == image_of(other));
  return 0;
}
