#include "plugins/broker/certificate_files.h"

#include <sys/stat.h>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::plugins::broker;
using tests::Folder;

TEST_CASE("broker: what is no certificate file is refused, and not waited for") {
  const Folder folder;
  const auto error = [](const std::string& chain, const std::string& key) {
    const auto loaded = CertificateFiles(chain, key).load();
    return loaded ? "no error" : loaded.error().text();
  };
  const std::string text = folder.write("text", "no certificate\n"), fifo = folder.file("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(error(fifo, text) == fifo + ": is not a regular file");
  CHECK(error(text, fifo) == fifo + ": is not a regular file");
  CHECK(error(folder.path(), text) == folder.path() + ": is not a regular file");
  CHECK(error(folder.file("none"), text) == folder.file("none") + ": No such file or directory");
  const std::string large = folder.write("large", std::string((1 << 20) + 1, 'x'));
  CHECK(error(large, text) == large + ": has more than 1048576 bytes");
  const std::string full = folder.write("full", std::string(1 << 20, 'x'));
  CHECK(error(full, text).starts_with(full + " with " + text + ": "));
  const std::string empty = folder.write("empty", "");
  CHECK(error(empty, empty).starts_with(empty + " with " + empty + ": "));
}
