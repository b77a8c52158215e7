// Everything that a test of a distributed system needs: include this one header, link
// muster::harness and muster::main.
//
//   class GreetingTest : public muster::ClusterTest {};
//
//   TEST_F(GreetingTest, NodeSaysHello) {
//     EXPECT_THAT(servers()[0].run({"echo", "hello"}), muster::StdoutIs("hello\n"));
//   }
//
// It does not replace gtest and gmock, whose macros and matchers it includes. Begin to read with
// cluster_test.h (the fixture), node.h (commands and files) and matchers.h (expectations). Then
// come daemon.h (the software under test), cluster.h (machines, and the network between them),
// fault.h (cuts that end with the test), change.h (settings that end with it), event.h and
// barrier.h (what nodes and tests tell each other), log.h (what programs have logged) and
// log_rules.h (which lines of it make a test fail).
//
// Less often needed are
//   * change.h (settings of nodes), text_template.h (files from templates), tree_digest.h, acl.h;
//   * about.h (labels, owner, requirements and time limit of tests);
//   * probe.h (what a night of tests must meet at least once);
//   * condition.h and http.h (what can be waited for on nodes, and asked of web servers);
//   * node_faults.h (processes, disks and memory of nodes under faults) and load.h (work that goes
//     on while faults strike);
//   * metric_rules.h (processes that must not leak) and metrics.h (what nodes use, over time);
//   * remote_helper.h (code of the test that runs on a node) and forward.h (ports of nodes).
//
// Exit status of a test program: 0 all passed; 1 a test failed; 2 the cluster was not as it should
// be, or the program ended in the middle; 3 no test was selected, or all were skipped; 64 wrong
// command line.
#pragma once

#include <muster/about.h>
#include <muster/acl.h>
#include <muster/await.h>
#include <muster/barrier.h>
#include <muster/change.h>
#include <muster/change_options.h>
#include <muster/cluster.h>
#include <muster/cluster_test.h>
#include <muster/condition.h>
#include <muster/crash.h>
#include <muster/daemon.h>
#include <muster/deadline.h>
#include <muster/event.h>
#include <muster/eventually.h>
#include <muster/facts.h>
#include <muster/fake_clock.h>
#include <muster/fault.h>
#include <muster/fault_options.h>
#include <muster/fault_proxy.h>
#include <muster/file.h>
#include <muster/file_set.h>
#include <muster/file_stat.h>
#include <muster/forward.h>
#include <muster/helper_conversion.h>
#include <muster/helper_value.h>
#include <muster/http.h>
#include <muster/load.h>
#include <muster/log.h>
#include <muster/log_oracle.h>
#include <muster/log_rules.h>
#include <muster/log_slice.h>
#include <muster/matchers.h>
#include <muster/metric_rules.h>
#include <muster/metric_series.h>
#include <muster/metrics.h>
#include <muster/needs.h>
#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/node_error.h>
#include <muster/node_faults.h>
#include <muster/node_set.h>
#include <muster/node_state.h>
#include <muster/outcome.h>
#include <muster/probe.h>
#include <muster/process.h>
#include <muster/process_choice.h>
#include <muster/process_set.h>
#include <muster/product.h>
#include <muster/remote_helper.h>
#include <muster/result.h>
#include <muster/results.h>
#include <muster/run_options.h>
#include <muster/seed.h>
#include <muster/service.h>
#include <muster/service_status.h>
#include <muster/signal_target.h>
#include <muster/sync_tree.h>
#include <muster/text_template.h>
#include <muster/transfer_result.h>
#include <muster/tree_digest.h>
#include <muster/write_options.h>
