#include "pitwire/wire/kill_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "pitwire/base/clock.hpp"
#include "pitwire/wire/waiter.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;

class Runtime : public testing::Test {
 protected:
  Runtime() {
    std::string pattern = fs::temp_directory_path() / "pitwire-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~Runtime() override { fs::remove_all(folder); }
  [[nodiscard]] std::string file(const char* name) const { return folder / name; }

  fs::path folder;
};

int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string receive(int fd) {
  char reply[512];
  const auto got = ::recv(fd, reply, sizeof reply, 0);
  return got > 0 ? std::string(reply, static_cast<std::size_t>(got)) : std::string("closed");
}

std::string ask(int fd, const std::string& request) {
  (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  return receive(fd);
}

TEST_F(Runtime, kill_sets_the_word_and_answers_with_who_and_when) {
  SharedStatus status(file("status"));
  KillSocket socket({file("kill.sock")}, status);
  Waiter waiter;
  waiter.add(socket);
  ASSERT_EQ(waiter.wait(WaitMode::PARK, 0, 0), WAIT_TIMEOUT);
  const int peer = connect_to(file("kill.sock"));
  ASSERT_GE(peer, 0);
  EXPECT_FALSE(status.killed());
  EXPECT_NE(ask(peer, "status").find("\"killed\": false, \"word\": 0, \"uid\": null"),
            std::string::npos);
  const Nanos before = host_now();
  const std::string reply = ask(peer, "kill\n");
  EXPECT_EQ(reply.find("{\"killed\": true, \"word\": 1, \"uid\": " + std::to_string(::geteuid())),
            0U);
  EXPECT_TRUE(status.killed());
  EXPECT_GE(status.page().kill_ts.load(), before);
  EXPECT_EQ(status.page().kill_uid.load(), ::geteuid());
  EXPECT_EQ(waiter.wait(WaitMode::PARK, 0, -1), WAIT_NATIVE);
  socket.seen();
  EXPECT_EQ(waiter.wait(WaitMode::PARK, 0, 0), WAIT_TIMEOUT);
  EXPECT_NE(ask(peer, "kill").find("\"word\": 2"), std::string::npos);
  EXPECT_TRUE(socket.ready());
  ::close(peer);
}

TEST_F(Runtime, what_it_does_not_know_is_refused_and_changes_nothing) {
  SharedStatus status(file("status"));
  KillSocket socket({file("kill.sock")}, status);
  const int peer = connect_to(file("kill.sock"));
  for (const auto& request :
       {std::string("KILL"), std::string("kill me"), std::string(5000, 'k')}) {
    EXPECT_EQ(ask(peer, request), "{\"error\": \"unknown request\"}\n");
  }
  EXPECT_FALSE(status.killed());
  ::close(peer);
}

TEST_F(Runtime, the_socket_has_its_mode_and_goes_with_its_owner) {
  SharedStatus status(file("status"));
  const mode_t before = ::umask(0);
  {
    KillSocket socket({file("kill.sock"), 0660}, status);
    struct stat facts{};
    ASSERT_EQ(::stat(file("kill.sock").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0660U);
    EXPECT_FALSE(fs::exists(file("kill.sock.new")));
  }
  ::umask(before);
  EXPECT_FALSE(fs::exists(file("kill.sock")));
}

TEST_F(Runtime, a_stale_socket_of_a_dead_daemon_is_replaced) {
  SharedStatus status(file("status"));
  const int stale = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = file("kill.sock");
  std::copy(path.begin(), path.end(), address.sun_path);
  ASSERT_EQ(::bind(stale, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(stale);
  KillSocket socket({path}, status);
  const int peer = connect_to(path);
  EXPECT_GE(peer, 0);
  ::close(peer);
}

TEST_F(Runtime, a_folder_that_others_can_write_is_refused) {
  SharedStatus status(file("status"));
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  EXPECT_THROW(KillSocket({file("kill.sock")}, status), std::invalid_argument);
  EXPECT_THROW(KillSocket({"/nonexistent/kill.sock"}, status), std::invalid_argument);
  ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
  EXPECT_THROW(KillSocket({file(std::string(200, 'x').c_str())}, status), std::invalid_argument);
}

TEST_F(Runtime, a_stranger_is_refused_and_an_allowed_group_is_not) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming a stranger needs root";
  SharedStatus status(file("status"));
  ASSERT_EQ(::chmod(folder.c_str(), 0711), 0);
  KillSocket socket({file("kill.sock"), 0666, {}, {4242}}, status);
  const auto as = [&](uid_t uid, gid_t gid) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgid(gid) != 0 || ::setuid(uid) != 0) ::_exit(9);
      const int peer = connect_to(file("kill.sock"));
      if (peer < 0) ::_exit(8);
      const auto reply = ask(peer, "kill");
      ::_exit(reply.find("not permitted") != std::string::npos || reply == "closed" ? 1 : 0);
    }
    int result = -1;
    ::waitpid(child, &result, 0);
    return WEXITSTATUS(result);
  };
  EXPECT_EQ(as(65534, 65534), 1);
  EXPECT_FALSE(status.killed());
  EXPECT_EQ(socket.refused(), 1U);
  EXPECT_EQ(as(65534, 4242), 0);
  EXPECT_EQ(status.page().kill_uid.load(), 65534U);
}

TEST_F(Runtime, idle_connections_do_not_keep_a_kill_out) {
  SharedStatus status(file("status"));
  KillSocket socket({file("kill.sock")}, status);
  std::vector<int> idle;
  for (int i = 0; i < 40; ++i) {
    const int peer = connect_to(file("kill.sock"));
    ASSERT_GE(peer, 0);
    ASSERT_NE(ask(peer, "status"), "closed") << i;
    idle.push_back(peer);
  }
  EXPECT_NE(ask(idle.back(), "kill").find("\"killed\": true"), std::string::npos);
  EXPECT_EQ(receive(idle.front()), "closed");
  for (const int peer : idle) ::close(peer);
}

// ------------------------------------------------------------------ the status page

TEST_F(Runtime, a_killed_daemon_comes_back_killed_until_an_operator_clears_it) {
  {
    SharedStatus(file("status")).kill(1000);
  }
  SharedStatus again(file("status"));
  EXPECT_TRUE(again.killed());
  EXPECT_EQ(again.page().kill_uid.load(), 1000U);
  again.clear_kill();
  EXPECT_FALSE(again.killed());
  EXPECT_EQ(again.kill(2000), 1U);
  EXPECT_EQ(again.page().kill_uid.load(), 2000U);
}

TEST_F(Runtime, who_takes_the_fence_stops_the_other) {
  SharedStatus first(file("status"));
  const Fence ours(first);
  EXPECT_TRUE(ours.ours());
  const pid_t child = ::fork();
  if (child == 0) {
    auto other = SharedStatus::open(file("status"), true);
    ::_exit(Fence(other).ours() ? 0 : 1);
  }
  int result = -1;
  ::waitpid(child, &result, 0);
  EXPECT_EQ(result, 0);
  EXPECT_FALSE(ours.ours());
}

TEST_F(Runtime, the_watchdog_sees_the_heartbeat_and_positions) {
  SharedStatus status(file("status"));
  status.heartbeat(17, 99);
  status.set_positions(40, 38);
  status.set_phase(3);
  const auto watchdog = SharedStatus::open(file("status"), false);
  EXPECT_EQ(watchdog.page().turn.load(), 17U);
  EXPECT_EQ(watchdog.page().turn_ts.load(), 99);
  EXPECT_EQ(watchdog.page().committed_sequence.load(), 40U);
  EXPECT_EQ(watchdog.page().durable_sequence.load(), 38U);
  EXPECT_EQ(watchdog.page().phase.load(), 3U);
  EXPECT_EQ(watchdog.page().pid.load(), static_cast<std::uint32_t>(::getpid()));
}

TEST_F(Runtime, another_file_is_not_a_status_page) {
  (void)SharedMemory::create_file(file("other"), 4096, 0600, {});
  EXPECT_THROW(SharedStatus(file("other")), std::invalid_argument);
  EXPECT_THROW((void)SharedStatus::open(file("none"), false), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
