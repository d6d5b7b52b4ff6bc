// Plugins that are libraries of their own: those that the Corefile names, and those of lib/swage/plugins. The libraries
// are docs/examples/nipio and docs/examples/template, in $SWAGE_BUILD/tests/loaded.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

fs::path built(const std::string& name) { return fs::path(std::getenv("SWAGE_BUILD")) / "tests/loaded" / name; }

// FOLDER/NAME as an installed one is.
void install(const std::string& folder, const std::string& name, const std::string& yaml) {
  fs::create_directories(folder);
  fs::copy_file(built(name + ".so"), folder + "/" + name + ".so", fs::copy_options::overwrite_existing);
  FILE* const file = fopen((folder + "/plugin.yaml").c_str(), "w");
  fputs(yaml.c_str(), file);
  fclose(file);
}

// Compiles C to the library PATH.
void compile(const std::string& path, const std::string& code) {
  FILE* const source = fopen((path + ".c").c_str(), "w");
  fputs(code.c_str(), source);
  fclose(source);
  REQUIRE(run({.arguments = {"cc", "-shared", "-fPIC", "-o", path, path + ".c"}}));
}

struct Outcome {
  bool good = false;
  std::string said;
};

Outcome outcome_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::getenv("SWAGE"));
  auto process = Process::start({.arguments = std::move(arguments)});
  REQUIRE(process.has_value());
  const auto status = process->wait(60s);
  REQUIRE(status.has_value());
  return {status->clean(), process->log()};
}

std::string block(const std::string& directives) {
  return "example.org {\n bind 127.0.0.1\n " + directives + "\n whoami\n}\n";
}

bool has_nipio(const Server& server) {
  const Decoded answer = server.ask({.name = "10-0-0-1.example.org.", .type = "A"});
  return answer.answer.size() == 1 && answer.answer[0] == "10-0-0-1.example.org. 3600 IN A 10.0.0.1";
}

bool has_text(const Server& server, const std::string& text) {
  const Decoded answer = server.ask({.name = "example.org.", .type = "TXT"});
  return answer.answer.size() == 1 && answer.answer[0] == "example.org. 60 IN TXT \"" + text + "\"";
}

}  // namespace

TEST_CASE("loaded plugins: a folder, a library, one beside an imported file") {
  const Folder folder;
  install(folder.file("nipio"), "nipio", "before: whoami\n");
  install(folder.file("conf.d/more"), "plugin-name", "directive: plugin-name\nbefore: nipio\n");
  static_cast<void>(folder.write("conf.d/plugins", "plugin more/plugin-name.so\n"));
  const std::string corefile = "plugin nipio\nimport conf.d/plugins\n" + block("nipio\n plugin-name hi");
  const std::string path = folder.write("Corefile", corefile);
  const Outcome listed = outcome_of({"-plugins", "-conf", path});
  CHECK(listed.good);
  CHECK(listed.said.find("\nplugin-name  loaded from " + folder.file("conf.d/more/plugin-name.so") +
                         "\nnipio  loaded from " + folder.file("nipio") + "\nwhoami\n") != std::string::npos);
  CHECK(outcome_of({"-plugins"}).said.find("nipio") == std::string::npos);
  const Outcome checked = outcome_of({"-check", "-conf", path});
  INFO(checked.said);
  CHECK(checked.good);
  const Server server("plugin " + folder.file("nipio") + "\nimport " + folder.file("conf.d/plugins") + "\n" +
                      block("nipio\n plugin-name hi"));
  CHECK(has_nipio(server));
  CHECK(has_text(server, "hi"));
}

TEST_CASE("loaded plugins: a reload takes what the Corefile says by then, or keeps what was") {
  const Folder folder;
  install(folder.file("one"), "nipio", "directive: nipio\n");
  install(folder.file("two"), "plugin-name", "directive: plugin-name\n");
  const std::string one = "plugin " + folder.file("one") + "\n", two = "plugin " + folder.file("two") + "\n";
  Server server(one + block("nipio"));
  CHECK(has_nipio(server));
  const auto reload = [&](const std::string& corefile, const std::string& until) {
    server.write_corefile(corefile);
    server.process().signal(SIGUSR1);
    CHECK(server.process().wait_for(until, 30s));
  };
  reload(two + block("plugin-name hi"), "Reloading complete");
  CHECK(has_text(server, "hi"));
  CHECK_FALSE(has_nipio(server));
  reload("plugin " + folder.file("none") + "\n" + block("nipio"),
         "Restart failed: " + server.folder().file("Corefile") + ":1: plugin " + folder.file("none") +
             ": No such file or directory; the configuration in force stays");
  compile(folder.file("crash.so"), "__attribute__((constructor)) static void crash(void) { __builtin_trap(); }\n");
  reload("\nplugin " + folder.file("crash.so") + "\n" + block("nipio"),
         ":2: plugin " + folder.file("crash.so") +
             ": it crashed when it was loaded (Illegal instruction); the configuration in force stays");
  CHECK(has_text(server, "hi"));
}

// What is copied over a library that is in use would crash who has it mapped; a process that is started again later has
// to have what the others have.
TEST_CASE("loaded plugins: what is on disk may change meanwhile") {
  const Folder folder;
  install(folder.file("one"), "nipio", "directive: nipio\n");
  Server server("plugin " + folder.file("one") + "\n" + block("nipio"));
  CHECK(has_nipio(server));
  FILE* const library = fopen(folder.file("one/nipio.so").c_str(), "r+");
  for (int i = 0; i < 100'000; ++i) fputs("nothing", library);
  fclose(library);
  CHECK(has_nipio(server));
  fs::remove_all(folder.file("one"));
  for (const char* const kind : {"@dns", "@service"}) {
    const std::vector<pid_t> before = children(server.process().pid(), kind);
    REQUIRE(before.size() == 1);
    kill(before[0], SIGKILL);
    CHECK(wait_until(
        [&] {
          const auto now = children(server.process().pid(), kind);
          return now.size() == 1 && now != before;
        },
        20s));
  }
  CHECK(wait_until([&] { return has_nipio(server); }, 10s));
}

TEST_CASE("loaded plugins: reload notices another library") {
  const Folder folder;
  chmod(folder.path().c_str(), 0755);  // the service process looks, which may have another user
  const std::string path = folder.file("plugin-name.so");
  const auto put = [&](const std::string& name) {
    fs::copy_file(built(name + ".so"), folder.file("new"), fs::copy_options::overwrite_existing);
    fs::rename(folder.file("new"), path);
  };
  put("plugin-name");
  Server server("plugin " + path + "\n" + block("reload 2s 0s\n plugin-name hi"));
  CHECK(has_text(server, "hi"));
  put("nipio");  // which takes no text
  CHECK(server.process().wait_for("plugin/reload: " + path + " has changed", 10s));
  CHECK(server.process().wait_for("plugin-name: unexpected 'hi'; expected the end of the line", 30s));
  CHECK(has_text(server, "hi"));
  put("plugin-name");
  CHECK(server.process().wait_for("Reloading complete", 30s));
  CHECK(has_text(server, "hi"));
}

TEST_CASE("loaded plugins: the supervisor never loads one, and its children need no right to read it") {
  const Folder folder;
  install(folder.file("one"), "nipio", "directive: nipio\n");
  chmod(folder.file("one").c_str(), 0700);
  chmod(folder.file("one/nipio.so").c_str(), 0600);
  const Server server("plugin " + folder.file("one") + "\n" +
                      block("nipio" + std::string(geteuid() == 0 ? "\n user nobody" : "")));
  CHECK(has_nipio(server));
  const auto maps = [](pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/maps"); };
  auto& process = const_cast<Server&>(server).process();
  if (maps(process.pid()).empty()) return;  // not for this user to see
  CHECK(maps(process.pid()).find("swage plugin nipio") == std::string::npos);
  for (const pid_t child : children(process.pid(), "@")) {
    CHECK(maps(child).find("/memfd:swage plugin nipio") != std::string::npos);
  }
}

TEST_CASE("loaded plugins: what is wrong with one refuses the start, with one sentence") {
  const Folder folder;
  const auto says = [&](const std::string& path, const std::string& why) {
    const std::string corefile = folder.write("Corefile", "# one\nplugin " + path + "\n" + block(""));
    const std::string sentence = corefile + ":2: plugin " + folder.file(path) + ": " + why + "\n";
    const Port port;
    const Outcome started = outcome_of({"-conf", corefile, "-dns.port", std::to_string(port.number())});
    CHECK_FALSE(started.good);
    CHECK(started.said == sentence);
    const Outcome checked = outcome_of({"-check", "-conf", corefile});
    CHECK_FALSE(checked.good);
    CHECK(checked.said == sentence);
  };
  constexpr const char* kNone = "int nothing;\n";
  says("none", "No such file or directory");
  compile(folder.file("a.so"), kNone);
  says("a.so", "it has no SWAGE_PLUGIN()");
  compile(folder.file("file.so"), kNone);
  says("file.so", "there is a directive 'file' already");
  compile(folder.file("A.so"), kNone);
  says("A.so", "'A' is not a directive's name");
  compile(folder.file("old.so"), "struct { unsigned contract; void* setup; } swage_plugin = {99, 0};\n");
  says("old.so", "it was built for version 99 of the contract, and this swage has 6");
  compile(folder.file("undefined.so"), "extern int gone(void);\nint (*use)(void) = gone;\n");
  says("undefined.so", "undefined symbol: gone");
  compile(folder.file("ends.so"),
          "#include <stdlib.h>\n__attribute__((constructor)) static void end(void) { _Exit(0); }\n");
  says("ends.so", "it ended the process when it was loaded");
  compile(folder.file("crashes.so"),
          "#include <stdlib.h>\n__attribute__((constructor)) static void crash(void) { abort(); }\n");
  says("crashes.so", "it crashed when it was loaded (Aborted)");
  static_cast<void>(folder.write("text.so", "not a library"));
  says("text.so", "it is not a library");
  static_cast<void>(folder.write("empty.so", ""));
  says("empty.so", "it is not a library");
  // Of another architecture: one byte of the header says so (ELF, e_machine).
  compile(folder.file("other.so"), kNone);
  FILE* const other = fopen(folder.file("other.so").c_str(), "r+");
  fseek(other, 18, SEEK_SET);
  fputs("\xf3", other);
  fclose(other);
  says("other.so", "it is a library for another kind of machine");
  mkfifo(folder.file("pipe.so").c_str(), 0600);
  says("pipe.so", folder.file("pipe.so") + ": is not a regular file");

  fs::create_directory(folder.file("b"));
  compile(folder.file("b/b.so"), kNone);
  says("b", folder.file("b/plugin.yaml") + ": No such file or directory");
  static_cast<void>(folder.write("b/plugin.yaml", "before: nowhere\n"));
  says("b", "cannot stand before 'nowhere': there is no such directive");
  static_cast<void>(folder.write("b/plugin.yaml", "directive: c\n"));
  says("b", "c.so: No such file or directory");
  static_cast<void>(folder.write("b/plugin.yaml", "directive: b\ncontract: 1\n"));
  says("b", "plugin.yaml: it is for version 1 of the contract, and this swage has 6");
  static_cast<void>(folder.write("b/plugin.yaml", "directive: b\n"));
  const auto everybody = [](const std::string& path) {
    return "everybody may write " + path + ", and would run as this server: chmod o-w";
  };
  chmod(folder.file("b/b.so").c_str(), 0666);
  says("b", everybody(folder.file("b/b.so")));
  chmod(folder.file("b/b.so").c_str(), 0644);
  chmod(folder.file("b/plugin.yaml").c_str(), 0666);
  says("b", everybody(folder.file("b/plugin.yaml")));
  chmod(folder.file("b/plugin.yaml").c_str(), 0644);
  chmod(folder.file("b").c_str(), 01777);
  says("b", everybody(folder.file("b")));
  chmod(folder.file("b").c_str(), 0755);
  chmod(folder.path().c_str(), 0777);
  says("b", everybody(folder.path()));
  chmod(folder.path().c_str(), 0755);
  if (geteuid() == 0) {  // may give files away
    constexpr uid_t kNobody = 65534, kBin = 2;
    REQUIRE(chown(folder.file("b/b.so").c_str(), kNobody, 0) == 0);
    says("b",
         folder.file("b/b.so") + " belongs to nobody, who could change what runs as this server: chown it to root");
    REQUIRE(chown(folder.file("b/b.so").c_str(), 0, kBin) == 0);
    chmod(folder.file("b/b.so").c_str(), 0664);
    says("b", "the group bin may write " + folder.file("b/b.so") + ", and would run as this server: chmod g-w");
    REQUIRE(chown(folder.file("b/b.so").c_str(), 0, 0) == 0);
    REQUIRE(chown(folder.file("b").c_str(), kNobody, 0) == 0);
    says("b", folder.file("b") + " belongs to nobody, who could change what runs as this server: chown it to root");
    REQUIRE(chown(folder.file("b").c_str(), 0, 0) == 0);
  }
  says("b", "it has no SWAGE_PLUGIN()");

  compile(folder.file("hangs.so"),
          "#include <unistd.h>\n__attribute__((constructor)) static void hang(void) { for (;;) pause(); }\n");
  const std::string hanging = folder.write("Corefile", "plugin hangs.so\n" + block(""));
  CHECK(outcome_of({"-check", "-conf", hanging}).said ==
        hanging + ":1: plugin " + folder.file("hangs.so") + ": it was not loaded within 10 s\n");

  const std::string twice = folder.write("Corefile", "plugin b\nplugin b\n" + block(""));
  CHECK(outcome_of({"-plugins", "-conf", twice}).said ==
        "swage: " + twice + ":2: plugin " + folder.file("b") + ": there is a directive 'b' already\n");
  static_cast<void>(folder.write("Corefile", "plugin a b\n" + block("")));
  CHECK(outcome_of({"-check", "-conf", twice}).said ==
        twice + ":1: plugin: unexpected 'b'; expected the end of the line\n");
}

TEST_CASE("loaded plugins: those of lib/swage/plugins are loaded without a word in the Corefile") {
  const Folder folder;
  const std::string program = folder.file("usr/bin/swage"), plugins = folder.file("usr/lib/swage/plugins");
  fs::create_directories(folder.file("usr/bin"));
  fs::create_hard_link(std::getenv("SWAGE"), program);
  install(plugins + "/nipio", "nipio", "before: whoami\n");
  const std::string before = std::getenv("SWAGE");
  setenv("SWAGE", program.c_str(), 1);
  CHECK(outcome_of({"-plugins"}).said.find("\nnipio  loaded from " + plugins + "/nipio\nwhoami\n") !=
        std::string::npos);
  {
    const Server server(block("nipio"));
    CHECK(has_nipio(server));
  }
  fs::create_directory(plugins + "/other");
  const Outcome refused = outcome_of({"-check", "-conf", folder.write("Corefile", block(""))});
  CHECK_FALSE(refused.good);
  CHECK(refused.said == "plugin " + plugins + "/other: " + plugins + "/other/plugin.yaml: No such file or directory\n");
  setenv("SWAGE", before.c_str(), 1);
}
