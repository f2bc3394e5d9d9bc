package mount_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue/mount"
)

// What is in this file runs in the guest of TestNTFS3InAVM, as its first process:
// on a kernel that has ntfs3, without ntfs-3g.

const (
	guestFailed = "guest: failed: "
	guestKernel = "guest: kernel "

	ntfsOnce    = "/ProgramData/Amazon/EC2Launch/state/.run-once"
	ntfsStreams = "/Windows/streams.txt"
)

func guestMain() {
	err := testdisk.EnterGuest("virtio_blk", "loop")
	if err == nil {
		err = guestWithout()
	}
	if err := errors.Join(err, testdisk.LoadModule("ntfs3")); err != nil {
		fmt.Println(guestFailed, err)
	}
	var name unix.Utsname
	_ = unix.Uname(&name) // its only error is a bad pointer
	fmt.Println(guestKernel + unix.ByteSliceToString(name.Release[:]))
	for i, c := range ntfs3Cases {
		begin := time.Now()
		if err := c.guest(fmt.Sprintf("/dev/vd%c", 'a'+i)); err != nil {
			fmt.Printf("%s%s: %v\n", guestFailed, c.name, err)
		}
		fmt.Printf("guest: %s took %v\n", c.name, time.Since(begin).Round(time.Millisecond))
	}
	fmt.Println(testdisk.LeaveGuest())
}

// guestWithout finds neither ntfs-3g nor the driver.
func guestWithout() error {
	err := refused("no-ntfs-3g")("/dev/vda")
	if !errors.Is(mount.ProbeNTFS(context.Background(), "/dev/vda"), exec.ErrNotFound) {
		err = errors.Join(err, errors.New("it does not say what is not found"))
	}
	return err
}

// refused wants this code from whatever is asked for.
func refused(code string) func(device string) error {
	return func(device string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		_, look := mount.OpenNTFS(ctx, device, true)
		_, write := mount.OpenNTFS(ctx, device, false)
		for what, err := range map[string]error{"probing": mount.ProbeNTFS(ctx, device), "to look": look, "to write": write} {
			if got, advice := mount.NTFSAdvice(err); got != code || advice == "" {
				return fmt.Errorf("%s gives %q: %w", what, got, err)
			}
		}
		return nil
	}
}

// withNTFS3 opens the whole device through a loop, as a rescue does.
func withNTFS3(device string, readonly bool, f func(v *offline.Volume) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	loop, err := mount.AttachLoop(ctx, file, 0, ntfs3Size, readonly)
	if err != nil {
		return err
	}
	n, err := mount.OpenNTFS(ctx, loop.Path, readonly)
	if err != nil {
		return errors.Join(err, loop.Detach(ctx))
	}
	v, err := offline.OpenNTFS(n.Root)
	if err != nil {
		unix.Close(n.Root)
		return errors.Join(err, n.Close(ctx), loop.Detach(ctx))
	}
	err = f(v)
	return errors.Join(err, v.Close(), n.Close(ctx), loop.Detach(ctx), mount.Flush(file))
}

// guestLook reads, resolves, and cannot write.
func guestLook(device string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	return withNTFS3(device, true, func(v *offline.Volume) error {
		now, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil || string(now) != string(table) {
			return fmt.Errorf("the mount is in the table: %q, %w", now, err)
		}
		for _, c := range []struct {
			path, canonical string
			err             error
		}{
			{strings.ToUpper(ntfsHive), ntfsHive, nil},
			{strings.ToLower(ntfsOnce), ntfsOnce, nil},
			{"/programdata/amazon/ec2launch/state/RUN-ON~1", "", fs.ErrNotExist},
			{"/$MFT", "", fs.ErrNotExist},
			{"/Windows/nothing", "", fs.ErrNotExist},
			{"/twins/a", "", offline.ErrAmbiguous},
			{"/Documents and Settings", "", offline.ErrReparse},
			{"/Documents and Settings/x", "", offline.ErrReparse},
			{"/Windows/odd", "", offline.ErrReparse},
		} {
			got, err := v.Realpath(c.path)
			if got != c.canonical || !errors.Is(err, c.err) {
				return fmt.Errorf("%s: %q, %w", c.path, got, err)
			}
		}
		if asleep, err := v.Hibernated(); asleep || err != nil {
			return fmt.Errorf("hibernated: %v, %w", asleep, err)
		}
		f, err := v.Snapshot(ntfsOnce, 10)
		want := offline.NTFSFile([]byte("1"))
		want.Xattr[offline.XattrNTFSAttributes] = []byte{0x02, 0x20, 0, 0}
		if err != nil || !f.Equal(want) {
			return fmt.Errorf("it sees %+v, %w", f, err)
		}
		if err := v.Apply(edit(ntfsSmall, "x")(v)); !errors.Is(err, unix.EROFS) {
			return fmt.Errorf("to write gives %w", err)
		}
		return nil
	})
}

// guestEdit makes a change, and finds it made.
func guestEdit(change func(*offline.Volume) offline.Change) func(device string) error {
	return func(device string) error {
		var c offline.Change
		err := withNTFS3(device, false, func(v *offline.Volume) error {
			c = change(v)
			return errors.Join(v.Apply(c), v.Apply(c))
		})
		return errors.Join(err, withNTFS3(device, false, func(v *offline.Volume) error {
			if drifted, err := v.Drifted(c); err != nil || drifted {
				return fmt.Errorf("drifted: %v, %w", drifted, err)
			}
			return v.Apply(c)
		}))
	}
}

// ntfs3Changes are one of each kind.
var ntfs3Changes = []func(*offline.Volume) offline.Change{
	edit(ntfsSmall, strings.Repeat("longer\r\n", 1024)), patch, create, createDir, removeOnce,
}

func createDir(*offline.Volume) offline.Change {
	return offline.Change{Path: "/Windows/System32/GroupPolicy", After: offline.NTFSDir()}
}

func removeOnce(v *offline.Volume) offline.Change {
	f, err := v.Snapshot(ntfsOnce, 10)
	if err != nil {
		return offline.Change{}
	}
	return offline.Change{Path: ntfsOnce, Before: f}
}

// guestUndo makes all changes, and takes them back on a fresh mount, last first.
func guestUndo(device string) error {
	var made []offline.Change
	err := withNTFS3(device, false, func(v *offline.Volume) error {
		for _, change := range ntfs3Changes {
			c := change(v)
			if err := v.Apply(c); err != nil {
				return err
			}
			made = append(made, c)
		}
		return nil
	})
	return errors.Join(err, withNTFS3(device, false, func(v *offline.Volume) error {
		for i := len(made) - 1; i >= 0; i-- {
			back := made[i].Invert()
			if err := errors.Join(v.Apply(back), v.Apply(back)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// guestCutOff cuts each change off at each of its steps, and has a second run
// finish it, or take it back.
func guestCutOff(device string) error {
	for _, change := range ntfs3Changes {
		for step := 0; ; step++ {
			whole, err := cutOff(device, change, step)
			if err != nil {
				return fmt.Errorf("at step %d: %w", step, err)
			}
			if whole {
				break
			}
		}
	}
	return nil
}

// cutHere ends a writer.
type cutHere struct{}

func cutOff(device string, change func(*offline.Volume) offline.Change, step int) (whole bool, err error) {
	var c offline.Change
	cut := step
	err = withNTFS3(device, false, func(v *offline.Volume) (err error) {
		c = change(v)
		defer func() {
			r := recover()
			if _, is := r.(cutHere); r != nil && !is {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		v.OnStep = func(string) {
			if cut--; cut < 0 {
				panic(cutHere{})
			}
		}
		err = v.Apply(c)
		whole = true
		return err
	})
	if err != nil {
		return whole, err
	}
	return whole, withNTFS3(device, false, func(v *offline.Volume) error { return endEither(v, c, step) })
}

// endEither finishes the change every other time, and takes it back.
func endEither(v *offline.Volume, c offline.Change, n int) error {
	var err error
	if n%2 == 0 {
		err = v.Apply(c)
	}
	return errors.Join(err, v.Apply(c.Invert()))
}

// guestPowerCut takes what is on the disk at each step: it is marked, and so refused
// until Windows has checked it, or a second run finishes the change and takes it back.
func guestPowerCut(device string) error {
	cuts, marked := 0, 0
	for i, change := range ntfs3Changes {
		err := withNTFS3(device, false, func(v *offline.Volume) error {
			var errs []error
			c := change(v)
			look := func(step string) {
				cuts++
				was, err := comeBack(device, c, cuts)
				if was {
					marked++
				}
				if err != nil {
					errs = append(errs, fmt.Errorf("change %d at %q: %w", i, step, err))
				}
			}
			v.OnStep = look
			err := v.Apply(c)
			look("the end")
			return errors.Join(append(errs, err)...)
		})
		if err != nil {
			return err
		}
	}
	fmt.Printf("guest: of %d power cuts %d leave it marked\n", cuts, marked)
	return nil
}

func comeBack(device string, c offline.Change, n int) (marked bool, err error) {
	const copied = "/tmp/cut"
	data, err := os.ReadFile(device)
	if err == nil {
		err = os.WriteFile(copied, data, 0o600)
	}
	if err != nil {
		return false, err
	}
	defer os.Remove(copied)
	err = withNTFS3(copied, false, func(v *offline.Volume) error { return endEither(v, c, n) })
	if code, _ := mount.NTFSAdvice(err); code == "dirty" {
		return true, nil
	}
	return false, err
}

// guestKeeps does not remove what it could not bring back.
func guestKeeps(device string) error {
	return withNTFS3(device, false, func(v *offline.Volume) error {
		f, err := v.Snapshot(ntfsStreams, 100)
		if err != nil {
			return err
		}
		if err := v.Apply(offline.Change{Path: ntfsStreams, Before: f}); !errors.Is(err, offline.ErrNotRestorable) {
			return fmt.Errorf("to remove a file with a stream gives %w", err)
		}
		linked := path.Join(path.Dir(ntfsHive), "linked")
		if err := v.Apply(edit(linked, "x")(v)); !errors.Is(err, offline.ErrDrift) {
			return fmt.Errorf("to edit a file with two names gives %w", err)
		}
		return nil
	})
}

// guestRescue has the agent of a helper do what it is for, and perhaps undo it.
func guestRescue(undo bool) func(device string) error {
	return func(device string) error {
		where := []string{"--device", device, "--state-dir", "/tmp" + device}
		out, err := exec.Command("/regain-agent", append([]string{"rescue"}, where...)...).CombinedOutput()
		if _, run, found := strings.Cut(string(out), "\nRun "); err == nil && undo && found {
			name, _, _ := strings.Cut(run, "\n")
			out, err = exec.Command("/regain-agent", append([]string{"undo", "--run", name}, where...)...).CombinedOutput()
		}
		if want := map[bool]string{false: "ARMED: ", true: "TAKEN BACK: "}[undo]; err != nil || !strings.Contains(string(out), want) {
			return fmt.Errorf("the agent says, %w: %s", err, out)
		}
		return nil
	}
}

// guestKilled kills a writer, and goes on at once.
func guestKilled(device string) error {
	child := exec.Command("/init")
	child.Env = []string{childNTFS + "=" + device}
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = child.Process.Kill()
	_ = child.Wait() // says that it was killed
	if err != nil || !strings.HasPrefix(line, "/dev/loop") {
		return fmt.Errorf("the child says %q, %w", line, err)
	}
	return withNTFS3(device, true, func(v *offline.Volume) error {
		got, err := v.ReadFile("/open", 10)
		if err != nil || string(got) != "written" {
			return fmt.Errorf("it is %q, %w", got, err)
		}
		return nil
	})
}
