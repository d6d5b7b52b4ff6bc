// phonebook: the addresses of names, from a file that is read at each start and reload. The service process makes one
// flat block of memory of it; every dns process looks names up there, without a copy.
#include <sstream>

#include "core/plugin/plugin.h"
#include "core/shm/flat_map.h"
#include "core/whole_file.h"

namespace swage::plugins::phonebook {
namespace {

constexpr std::size_t kMaxFile = 64 << 20;  // bytes
constexpr std::uint32_t kTtl = 300;         // seconds

class Phonebook : public Plugin {
 public:
  explicit Phonebook(const shm::Snapshot& book) : book_(book) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const Bytes address = shm::FlatMap(book_.bytes()).find(as_text(query.key.view().bytes()));  // in wire format
    if (address.empty()) return next(query, response);
    if (query.qtype != dns::Type::a) return no_data(query, response, next, query.zone);
    return answer_record(query, response, dns::Type::a, kTtl, address);  // it points into the memory
  }

 private:
  const shm::Snapshot& book_;
};

class Reading : public Service {
 public:
  Reading(std::string path, shm::Snapshot& book) : path_(std::move(path)), book_(book) {}

  Result<> prepare() override {
    TRY(const std::string text, read_whole_file(path_, kMaxFile));
    std::map<std::string, IpAddress> numbers;  // by name in wire format
    std::istringstream lines(text);
    unsigned line = 0;
    for (std::string words; std::getline(lines, words);) {
      ++line;
      const Result<> added = add(words, numbers);
      if (!added) return fail("{}:{}: {}", path_, line, added.error().text());
    }
    std::vector<shm::FlatMap::Entry> entries;
    for (const auto& [name, address] : numbers) entries.push_back({name, address.bytes()});
    TRY(shm::Segment memory, shm::FlatMap::to_segment("swage phonebook", entries));
    return book_.publish(std::move(memory));
  }

  async::Task<Result<>> run(Host&) override { co_return Result<>(); }  // nothing is left to do

 private:
  static Result<> add(const std::string& words, std::map<std::string, IpAddress>& numbers) {
    std::istringstream line(words);
    std::string name, address, more;
    line >> name >> address >> more;
    if (name.empty()) return {};
    if (address.empty() || !more.empty()) return fail("expected a name and an address");
    TRY(const dns::Name parsed, dns::Name::parse(name));
    TRY(const IpAddress number, IpAddress::parse(address));
    if (number.is_v6()) return fail("'{}' is not an IPv4 address", address);
    const bool is_new = numbers.emplace(as_text(parsed.lowercased().view().bytes()), number).second;
    if (!is_new) return fail("'{}' stands there twice", name);
    return {};
  }

  std::string path_;
  shm::Snapshot& book_;
};

}  // namespace

// phonebook FILE
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string path, controller.expect_path("the path of a file with names and addresses"));
  shm::Snapshot& book = controller.snapshot("phonebook " + path);
  if (book.claim()) controller.add(std::make_unique<Reading>(path, book));
  controller.add(std::make_unique<const Phonebook>(book));
  return {};
}

}  // namespace swage::plugins::phonebook
