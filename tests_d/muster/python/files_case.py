"""Files and trees on real nodes."""
import hashlib
import os
import tempfile
import unittest

from muster import Kind
from muster.testing import ClusterTestCase

DATA = bytes(range(256)) * 5_000


class FileTest(ClusterTestCase):
    def setUp(self):
        self.node = self.cluster.node("server1")
        self.other = self.cluster.node("server2")
        directory = tempfile.TemporaryDirectory(prefix="muster-files-")
        self.addCleanup(directory.cleanup)
        self.here = directory.name
        self.there = "/var/tmp/py"
        self.cluster.servers().run(["rm", "-rf", self.there]).checked()
        self.cluster.servers().run(["mkdir", self.there]).checked()

    def local(self, name, data=DATA):
        path = os.path.join(self.here, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def content(self, name):
        with open(os.path.join(self.here, name), "rb") as file:
            return file.read()

    def test_content_is_written_and_read_whole(self):
        file = self.node.file(self.there + "/a [b]:c")
        file.write(DATA, mode=0o600)
        self.assertEqual(file.read(), DATA)
        self.assertEqual(file.digest(), hashlib.sha256(DATA).hexdigest())
        self.assertEqual(self.node.output(["stat", "-c", "%a %U", file.path]), b"600 root\n")
        self.node.write_file(file.path, "new")
        self.assertEqual((file.read(), self.node.read_file("/proc/sys/kernel/ostype")),
                         (b"new", b"Linux\n"))

    def test_errors_have_kinds(self):
        file = self.node.file(self.there + "/new/file")
        for kind, call in (
                (Kind.NOT_FOUND, file.read),
                (Kind.NOT_FOUND, lambda: file.write(b"")),
                (Kind.NOT_FOUND, lambda: self.node.read_file("/etc/host[n]am?")),
                (Kind.CONFLICT, lambda: self.node.write_file(self.there, b"")),
                (Kind.CONFLICT, lambda: self.node.write_file("/etc/passwd", b"", must_be_new=True)),
                (Kind.INVALID, lambda: self.node.read_file("/etc")),
                (Kind.INVALID, lambda: self.node.read_file("etc/passwd")),
                (Kind.NOT_FOUND, self.node.file(self.there + "/none").list),
                (Kind.SYSTEM, self.node.file("/etc").remove)):
            with self.subTest(kind=kind), self.assertFailsWith(kind):
                call()

    def test_directories_are_made_listed_and_removed(self):
        directory = self.node.file(self.there + "/d/e")
        self.assertFalse(directory.exists())
        self.assertEqual((directory.make_directory(), directory.make_directory()), (True, False))
        self.node.write_file(directory.path + "/x y", b"")
        self.node.write_file(directory.path + "/f/g", b"", parents=True)
        self.assertEqual(directory.list(), ["f", "x y"])
        self.assertTrue(directory.remove_tree())
        self.assertFalse(directory.remove_tree() or directory.exists())

    def test_files_are_copied_between_all(self):
        sent = self.node.push(self.local("one"), self.there + "/one")
        self.assertEqual((sent.files, sent.digest), (1, hashlib.sha256(DATA).hexdigest()))
        self.node.copy_to(self.there + "/one", self.other, self.there + "/two")
        self.other.pull(self.there + "/two", os.path.join(self.here, "back"))
        self.assertEqual(self.content("back"), DATA)
        answers = self.cluster.servers().push(self.local("one"), self.there + "/all")
        self.assertEqual(list(answers.checked()), self.cluster.servers().names())
        self.cluster.servers().write_file(self.there + "/all", "x").checked()
        self.assertEqual(self.other.read_file(self.there + "/all"), b"x")

    def test_failure_on_one_node_stands_in_its_place(self):
        self.other.run(["rmdir", self.there]).checked()
        answers = self.cluster.servers().push(self.local("one"), self.there + "/one")
        self.assertEqual({name: error.kind for name, error in answers.errors.items()},
                         {"server2": Kind.NOT_FOUND})
        self.assertEqual(answers["server1"].bytes, len(DATA))

    def test_trees_are_copied_and_made_alike(self):
        self.local("tree/a", b"1")
        self.local("tree/d/b", b"2")
        tree = os.path.join(self.here, "tree")
        self.node.push_tree(tree, self.there + "/tree")
        self.assertEqual(self.node.read_file(self.there + "/tree/d/b"), b"2")
        os.remove(os.path.join(tree, "a"))
        synced = self.node.sync_tree(tree, self.there + "/tree", delete=True)
        self.assertEqual((synced.files, synced.deleted), (0, 1))
        self.node.pull_tree(self.there + "/tree", os.path.join(self.here, "back"))
        self.assertEqual((self.content("back/d/b"), os.listdir(os.path.join(self.here, "back"))),
                         (b"2", ["d"]))


if __name__ == "__main__":
    unittest.main()
