#!/usr/bin/env python3
# Every verb of millracectl against a broker, and every verb of RabbitMQ's tools.
"""A verb either runs here, with words that do what its help says, or is refused by one sentence.
The table of docs/guide/millracectl.md says which. Needs MILLRACE_BIN as the others; RabbitMQ's own
list is asked for where its tools are installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cmd"))
from test_ctl import DONE, REFUSED, Served, program  # noqa: E402
from test_millrace import DEADLINE_S  # noqa: E402

TOOLS = pathlib.Path("/usr/lib/rabbitmq/bin")
NAMES = ("rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-queues", "rabbitmq-streams",
         "rabbitmq-upgrade", "rabbitmq-plugins")
GUIDE = ROOT / "docs" / "guide" / "millracectl.md"

# What RabbitMQ 3.13 and 4.x have and 3.10 has not.
LATER = """
activate_free_disk_space_monitoring activate_stream_consumer add_super_stream
check_for_quorum_queues_without_an_elected_leader check_if_any_deprecated_features_are_used
check_if_cluster_has_classic_queue_mirroring_policy check_if_metadata_store_is_initialized
check_if_metadata_store_is_initialized_with_data
check_if_new_quorum_queue_replicas_have_finished_initial_sync coordinator_status
deactivate_free_disk_space_monitoring decrypt_conf_value delete_shovel delete_super_stream
disable_vhost_deletion_protection enable_vhost_deletion_protection encrypt_conf_value
federation_status force_checkpoint force_standalone_khepri_boot grow_to_count hash_password
has_reached_target_cluster_size leader_health_check list_deprecated_features
list_operator_policies_with_classic_queue_mirroring list_policies_that_match
list_policies_with_classic_queue_mirroring list_stream_connections list_stream_consumer_groups
list_stream_consumers list_stream_group_consumers list_stream_publishers list_stream_tracking
member_with_highest_index message_size_stats metadata_store_status reconcile_vhosts
remove_classic_queue_mirroring_from_policies reset_offset restart_federation_link restart_shovel
restart_stream set_permissions_globally shovel_status transfer_leadership update_vhost_metadata
""".split()

# Each verb with words that work, in an order in which they do: what is made first is used and then
# deleted. A number behind them is how it ends.
RUNS = """
status | cluster_status | ping | await_startup | wait | wait /run/pid | start_app | version
server_version | is_booting 65 | node_health_check | report | log_location | environment
list_node_auth_attempt_stats | await_online_nodes 1 | await_online_quorum_plus_one
await_online_synchronized_mirror | check_running | is_running | check_alarms | check_local_alarms
alarms | listeners | memory_breakdown | check_port_connectivity | check_port_listener PORT
check_port_listener 1 65 | check_protocol_listener http | check_virtual_hosts
check_certificate_expiration 1 weeks | log_status | stream_log_status | list_feature_flags
enable_feature_flag all | list_deprecated_features | check_if_node_is_quorum_critical
check_if_node_is_mirror_sync_critical
check_if_new_quorum_queue_replicas_have_finished_initial_sync
check_if_metadata_store_is_initialized | check_if_metadata_store_is_initialized_with_data
has_reached_target_cluster_size | check_if_any_deprecated_features_are_used
check_for_quorum_queues_without_an_elected_leader .* | leader_health_check .*
set_vm_memory_high_watermark 0.5 | set_vm_memory_high_watermark absolute 1GB
set_disk_free_limit 1MB | set_disk_free_limit mem_relative 0.0001 | set_log_level warning
set_setting heartbeat 17 | set_cluster_name mill

add_user ann secret monitoring | list_users | change_password ann other
authenticate_user ann other | clear_password ann | set_user_tags ann policymaker
hash_password secret | set_user_limits ann {"max-connections":3} | list_user_limits
clear_user_limits ann max-connections | clear_user_limits ann all
set_permissions ann ^a ^b ^c | list_permissions | list_user_permissions ann
set_permissions_globally ann ^a ^b ^c | clear_permissions ann
set_topic_permissions ann amq.topic ^w ^r | list_topic_permissions
list_user_topic_permissions ann | clear_topic_permissions ann amq.topic | delete_user ann

add_vhost v text one two | list_vhosts | set_vhost_tags v three | update_vhost_metadata v text two
-p v restart_vhost | -p v set_vhost_limits {"max-queues":3} | list_vhost_limits
-p v clear_vhost_limits max-queues | -p v clear_vhost_limits | -p v clear_vhost_limits all
-p v trace_on | -p v trace_off | enable_vhost_deletion_protection v | delete_vhost v 65
disable_vhost_deletion_protection v | delete_vhost v

set_policy p ^q {"max-length":9} | list_policies | set_operator_policy o ^q {"max-length":8}
list_operator_policies | set_parameter vhost-limits limits {"max-queues":900} | list_parameters
clear_parameter vhost-limits limits | set_global_parameter g {"a":1} | list_global_parameters
clear_global_parameter g

declare_queue q | list_policies_that_match q | list_queues | list_unresponsive_queues
publish amq.default q one | get q | browse q | peek q 1 | peek q 2 65 | purge_queue q
declare_queue s {"x-queue-type":"stream"} | stream_status s | list_stream_tracking s
declare_queue r {"x-queue-type":"quorum"} | quorum_status r | add_member r NODE
delete_member r NODE 65 | grow NODE all | shrink NODE 65 | rebalance | rebalance all | post_upgrade
declare_exchange x direct | list_exchanges | bind_queue x q k | list_bindings
declare_exchange late x-delayed-message {"x-delayed-type":"fanout"} | list_delayed late
publish late k body {"message_id":"m","headers":{"x-delay":900000}} | cancel_delayed late m
list_groups | group_offsets s none 65 | reset_group s none earliest 65 | delete_group s none 65
list_replays | cancel_replay 7 65
clear_policy p | clear_operator_policy o | delete_exchange x | delete_exchange late
delete_queue q --if-empty | delete_queue r | delete_queue s --if-unused

list_connections | list_channels | list_consumers | list_stream_connections
list_stream_consumers | list_stream_publishers | shovel_status | federation_status
close_connection none 65 | close_all_connections over | -p none close_all_connections
close_all_user_connections guest over | export_definitions - | import_definitions FILE

help | help status | completion bash | manual
"""


def runs():
    """(words, how it ends) of each."""
    for text in re.split(r"[|\n]", RUNS):
        words = text.split()
        code = DONE
        if len(words) > 1 and words[-1] == str(REFUSED):
            code = int(words.pop())
        if words:
            yield words, code


def verb_of(words):
    return words[2] if words[0] == "-p" else words[0]


def listed():
    """The verbs that run, as help lists them."""
    told = subprocess.run([program(), "help"], text=True, capture_output=True, timeout=DEADLINE_S)
    return [line.split()[0] for line in told.stdout.split("Verbs:\n")[1].splitlines()]


def explained(verb):
    """What help says of a verb; None: there is no such verb."""
    told = subprocess.run([program(), "help", verb], text=True, capture_output=True,
                          timeout=DEADLINE_S)
    return told.stdout if told.returncode == DONE else None


def table():
    """The rows of the guide: verb to what it says."""
    return dict(re.findall(r"(?m)^\| `(\w+)` \| (.+) \|$", GUIDE.read_text()))


class Verbs(Served):
    def test_each_runs(self):
        run = list(runs())
        self.assertEqual(sorted({verb_of(words) for words, _ in run}), sorted(listed()))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("{}")
            file.flush()
            real = {"FILE": file.name, "PORT": self.uri.split(":")[-1],
                    "NODE": self.rows("status")["node"]}
            for words, code in run:
                with self.subTest(" ".join(words)):
                    self.ctl(*(real.get(word, word) for word in words), code=code)

    def test_what_cannot_be_here_says_what_to_do(self):
        refused = {verb: what for verb, what in table().items() if what.startswith("not here: ")}
        self.assertGreater(len(refused), 70)
        for verb, what in refused.items():
            with self.subTest(verb):
                done = subprocess.run([program(), verb, "--an-option", "word"], text=True,
                                      capture_output=True, timeout=DEADLINE_S)
                self.assertEqual((done.returncode, done.stdout), (REFUSED, ""))
                self.assertEqual(done.stderr, f"millracectl: '{verb}' is {what}\n")

    def test_one_virtual_host_is_meant_when_it_is_named(self):
        self.ctl("add_vhost", "other")
        self.assertIn("vhosts", self.ctl("export_definitions", "-"))
        self.assertNotIn("vhosts", self.rows("-p", "other", "export_definitions", "-"))
        self.ctl("delete_vhost", "other")


class Guide(unittest.TestCase):
    def test_its_table_has_every_verb_as_help_explains_it(self):
        told = table()
        for verb in listed():
            with self.subTest(verb):
                self.assertIn(explained(verb).split("\n")[2].split("; columns")[0], told[verb])
        for verb in told:
            self.assertIsNotNone(explained(verb), verb)

    def test_it_knows_every_verb_of_later_rabbitmqs(self):
        self.assertEqual([verb for verb in LATER if verb not in table()], [])

    def test_it_knows_every_verb_of_rabbitmqs_tools(self):
        if not (TOOLS / "rabbitmqctl").exists():
            self.skipTest("there is no rabbitmqctl: it comes with rabbitmq-server")
        home = tempfile.mkdtemp(prefix="millrace-ctl-")
        self.addCleanup(shutil.rmtree, home)
        for name in NAMES:
            tool = TOOLS / name
            if not tool.exists():
                continue
            told = subprocess.run([tool, "help"], text=True, capture_output=True, check=False,
                                  env={"HOME": home, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                                  timeout=DEADLINE_S)
            verbs = re.findall(r"(?m)^   ([a-z]\w+) ", told.stdout + told.stderr)
            self.assertGreater(len(verbs), 2, told.stdout + told.stderr)
            self.assertEqual([verb for verb in verbs if verb not in table()], [], name)


if __name__ == "__main__":
    unittest.main()
