package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"regain-agent": main})
}

// TestScripts runs the program as people do. Each script holds one promise.
func TestScripts(t *testing.T) {
	testdisk.Need(t, "losetup", "mkfs.ext4", "cryptsetup", "qemu-img", "ssh-keygen", "ssh")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: scriptCommands, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values[plantedKey{}] = &planted{trees: map[string]*testdisk.Tree{}, sums: map[string]string{}}
			return nil
		},
	})
}

// planted is what one script has made.
type planted struct {
	trees map[string]*testdisk.Tree
	sums  map[string]string
	store *parameterStore
}

type plantedKey struct{}

func of(ts *testscript.TestScript) *planted { return ts.Value(plantedKey{}).(*planted) }

// Besides testscript's own, scripts know:
//
//	code N PROGRAM …       run it and want this exit code
//	plantroot DIR          a small Debian root in a directory
//	plantdisk FILE [BREAK] a small Debian disk, locked out in these ways
//	mounted FILE           a loop device with an ext4 that is mounted, named $DEVICE
//	readonly DIR           mount the directory on itself, read-only
//	loop FILE              a loop device over the file, named $DEVICE
//	same FILE …            remember the SHA-256 of the files; the second time want it unchanged
//	run                    want a report in the last output, and keep its run as $RUN
//	[!] login DIR USER KEY log in to the tree's own sshd
//	parameterstore [how]   a Parameter Store; how: deny, hang
//	stored FILE            write the value that the store got last
//	interrupt FILE ARGS…   regain-agent ARGS, interrupted while it stores the key; FILE gets its output
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"code": exitWith, "plantroot": plantRoot, "plantdisk": plantDisk, "loop": loop, "mounted": mounted, "readonly": readonly,
	"same": same, "run": setRun, "login": login, "parameterstore": startStore, "stored": stored, "interrupt": interrupt,
}

func exitWith(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func plantRoot(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	tree, err := testdisk.NewTree(context.Background(), dir, testdisk.Bookworm)
	ts.Check(err)
	of(ts).trees[dir] = tree
}

func plantDisk(ts *testscript.TestScript, _ bool, args []string) {
	breaks, err := testdisk.BreakagesNamed(strings.Join(args[1:], ","))
	ts.Check(err)
	_, err = testdisk.NewImage(context.Background(), ts.MkAbs(args[0]), testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4, breaks...)
	ts.Check(err)
}

func loop(ts *testscript.TestScript, _ bool, args []string) {
	out, err := exec.Command("losetup", "--find", "--show", "--partscan", ts.MkAbs(args[0])).Output()
	ts.Check(err)
	device := strings.TrimSpace(string(out))
	ts.Defer(func() { ts.Check(exec.Command("losetup", "--detach", device).Run()) })
	ts.Setenv("DEVICE", device)
}

func mounted(ts *testscript.TestScript, neg bool, args []string) {
	file, point := ts.MkAbs(args[0]), ts.MkAbs("mounted-here")
	ts.Check(os.WriteFile(file, nil, 0o600))
	ts.Check(os.Truncate(file, 8<<20))
	ts.Check(exec.Command("mkfs.ext4", "-q", file).Run())
	ts.Check(os.Mkdir(point, 0o755))
	loop(ts, neg, args)
	ts.Check(exec.Command("mount", ts.Getenv("DEVICE"), point).Run())
	ts.Defer(func() { ts.Check(exec.Command("umount", point).Run()) })
}

func readonly(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(exec.Command("mount", "--bind", dir, dir).Run())
	ts.Defer(func() { ts.Check(exec.Command("umount", dir).Run()) })
	ts.Check(exec.Command("mount", "-o", "remount,bind,ro", dir).Run())
}

func same(ts *testscript.TestScript, _ bool, args []string) {
	sums := of(ts).sums
	for _, name := range args {
		path := ts.MkAbs(name)
		now, err := testdisk.Sum(path)
		ts.Check(err)
		if before, ok := sums[path]; ok && before != now {
			ts.Fatalf("%s has changed", name)
		}
		sums[path] = now
	}
}

func login(ts *testscript.TestScript, neg bool, args []string) {
	tree := of(ts).trees[ts.MkAbs(args[0])]
	sshd, err := tree.Sshd(context.Background())
	ts.Check(err)
	got, err := sshd.Login(context.Background(), args[1], ts.MkAbs(args[2]))
	ts.Check(errors.Join(err, sshd.Close()))
	if got.OK == neg {
		ts.Fatalf("login: %+v", got)
	}
}

// interrupt sends SIGINT when the store hangs on the call that stores the key.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], "regain-agent"))
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer out.Close()
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.Getenv("WORK"), out, out
	for _, name := range append([]string{"PATH"}, storeVariables...) {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(cmd.Start())
	<-of(ts).store.called
	ts.Check(cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		ts.Fatalf("interrupted: %v, want exit code %d", err, exitInterrupted)
	}
}
