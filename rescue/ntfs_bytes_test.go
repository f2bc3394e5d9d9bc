package rescue_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

const (
	ntfsCluster = 4096
	ntfsRecord  = 1024
)

// tool is the output of a program of ntfsprogs; ok is false where it fails.
func tool(t *testing.T, args ...string) (out string, ok bool) {
	t.Helper()
	data, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
	return string(data), err == nil
}

var streamLine = regexp.MustCompile(`(?m)^Inode \d+ (/.*)$`)

// touched are the streams, as ntfscluster names them, in whose clusters two images
// differ, with the number of bytes. What belongs to no stream of the second is "".
func touched(t *testing.T, before, after string) map[string]int {
	t.Helper()
	was, is := read(t, before), read(t, after)
	if len(was) != len(is) {
		t.Fatalf("the image has %d bytes, and had %d", len(is), len(was))
	}
	streams := map[string]int{}
	for at := 0; at < len(was); at += ntfsCluster {
		a, b := was[at:min(at+ntfsCluster, len(was))], is[at:min(at+ntfsCluster, len(is))]
		if bytes.Equal(a, b) {
			continue
		}
		n := fmt.Sprint(at / ntfsCluster)
		out, _ := tool(t, "ntfscluster", "-f", "-c", n+"-"+n, after)
		name := ""
		if m := streamLine.FindStringSubmatch(out); m != nil {
			name = m[1]
		}
		for i := range a {
			if a[i] != b[i] {
				streams[name]++
			}
		}
	}
	return streams
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// records are the numbers of the file records that differ, and in use in the
// second; unused are the others.
func records(t *testing.T, before, after string) (used, unused []int) {
	t.Helper()
	was, ok := tool(t, "ntfscat", "-i", "0", before)
	is, ok2 := tool(t, "ntfscat", "-i", "0", after)
	if !ok || !ok2 {
		t.Fatal("ntfscat cannot show the file table")
	}
	for n := range len(is) / ntfsRecord {
		at := n * ntfsRecord
		now, then := is[at:at+ntfsRecord], ""
		if at+ntfsRecord <= len(was) {
			then = was[at : at+ntfsRecord]
		}
		switch {
		case now == then:
		case now[0x16]&1 != 0:
			used = append(used, n)
		default:
			unused = append(unused, n)
		}
	}
	return used, unused
}

// inode is the record of a file; 0: there is none.
func inode(t *testing.T, image, path string) int {
	t.Helper()
	out, _ := tool(t, "ntfsinfo", "-q", "-t", "-F", path, image)
	_, rest, _ := strings.Cut(out, "Dumping Inode ")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

// A counted is what a write makes anew, whatever it writes.
var counted = regexp.MustCompile(`(?m)^\s*(Upd\. Seq\. Number|LogFile Seq\. Number|MFT Record Seq\. Numb\.):.*\n`)

// record is all that ntfsinfo knows of a file, but for times and counts of writes.
func record(t *testing.T, image string, n int) string {
	t.Helper()
	out, ok := tool(t, "ntfsinfo", "-v", "-t", "-i", fmt.Sprint(n), image)
	if !ok {
		t.Errorf("ntfsinfo cannot show record %d of %s", n, image)
	}
	return counted.ReplaceAllString(out, "")
}

// crowded puts enough files beside those that change to have their directories
// keep their index in clusters, as a real Windows does.
func crowded(m windows.Machine) windows.Machine {
	files := map[string]string{}
	for _, dir := range []string{
		windows.TaskFile, windows.SoftwareHive, windows.ConfigXML, windows.RunOnce, windows.AgentConfig, windows.LaunchConfig,
		"Windows/System32/GroupPolicy/gpt.ini",
	} {
		for i := range 40 {
			files[path.Join(path.Dir(dir), fmt.Sprintf("neighbour-%02d.txt", i))] = "x"
		}
	}
	m.Files = files
	return m
}

// restricted gives what may be changed a descriptor as Windows has it there, which
// is in the volume's store: owner the administrators, for them and SYSTEM alone.
func restricted(root string) error {
	descriptor := offline.NTFSFile(nil).Xattr[offline.XattrNTFSDescriptor]
	var err error
	for _, name := range []string{windows.TaskFile, windows.SoftwareHive, windows.SystemHive, windows.ConfigXML, windows.RunOnce, windows.AgentConfig, windows.LaunchConfig} {
		file := filepath.Join(root, name)
		if _, none := os.Stat(file); none == nil && err == nil {
			err = unix.Setxattr(file, testdisk.NTFSDescriptor, descriptor, 0)
		}
	}
	return err
}

// TestBytes compares the whole image: arming writes into the clusters of what it
// changes, as ntfscluster names them, and into what NTFS keeps of those files; undo
// leaves nothing but times and counts of writes.
func TestBytes(t *testing.T) {
	settings, specified := "version: 1.0\r\nconfig:\r\n  - stage: preReady\r\n    tasks:\r\n      - task: setAdminAccount\r\n        inputs:\r\n          password:\r\n            type: doNothing\r\n"+strings.Repeat("# a comment\r\n", 200),
		`{"adminPasswordType":  "DoNothing", "handleUserData": false, "setWallpaper": true, "addDnsSuffixList": true, "extendBootVolumeSize": true}`
	for name, tt := range map[string]struct {
		machine  windows.Machine
		fallback bool
		data     map[string]int // bytes of each stream with content that may differ, at most
	}{
		"EC2Config":             {server("2012 R2", windows.Agent{Kind: windows.EC2Config}), false, nil},
		"EC2Config disabled":    {server("2012 R2", windows.Agent{Kind: windows.EC2Config, Start: 4}), false, map[string]int{"/" + windows.SystemHive: 1}},
		"EC2Launch v1":          {server("2019", windows.Agent{Kind: windows.EC2LaunchV1}), false, map[string]int{"/" + windows.SoftwareHive: 32 + 4 + 4, "/" + windows.TaskFile: ntfsCluster}},
		"EC2Launch v1 settings": {server("2016", windows.Agent{Kind: windows.EC2LaunchV1, PerBoot: true, Settings: &specified}), false, nil},
		"EC2Launch v2":          {server("2022", windows.Agent{Kind: windows.EC2LaunchV2}), false, nil},
		"EC2Launch v2 settings": {server("2025", windows.Agent{Kind: windows.EC2LaunchV2, Settings: &settings}), false, map[string]int{"/" + windows.AgentConfig: ntfsCluster}},
		"script":                {server("2022"), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			testdisk.Need(t, "ntfscluster", "ntfsinfo", "ntfscat")
			b := newWindowsBench(t)
			img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "ntfs.img"), ntfsSize, func(root string) error {
				return errors.Join(crowded(tt.machine).Write(t.Context(), root), restricted(root))
			})
			if err != nil {
				t.Fatal(err)
			}
			before := copyOf(t, img)
			report, err := b.rescue(img.Path, func(r *rescue.Request) {
				if r.Allow = windowsConsents; tt.fallback {
					r.Fallback = fallbackKey(strings.Repeat("f", 512))
				}
			})
			if err != nil || report.Outcome != offline.Rescued {
				t.Fatalf("%s, %v, %+v", report.Outcome, err, report.Error)
			}
			wantTouched(t, before.Path, img.Path, report.Changes, tt.data)
			if _, err := b.undo(img.Path, report.Run); err != nil {
				t.Fatal(err)
			}
			wantOnlyTimes(t, before.Path, img.Path, tt.fallback)
		})
	}
}

// around are the paths that changes are made at, and the directories that name them.
// What gains or loses a name has a new time, which the directory above keeps, too.
func around(changes []offline.ChangeSummary) []string {
	var paths []string
	for _, c := range changes {
		paths = append(paths, c.Path, path.Dir(c.Path))
		if c.Before == nil || c.After == nil {
			paths = append(paths, path.Dir(path.Dir(c.Path)))
		}
	}
	return paths
}

// keeps are what NTFS never gives back: the store of descriptors, and a file table
// that has grown for new files.
func keeps(stream string) bool {
	return slices.ContainsFunc([]string{"/$Secure/", "/$MFTMirr/", "/$MFT/", "/$Bitmap/"}, func(name string) bool { return strings.HasPrefix(stream, name) })
}

const (
	tableRecord  = 0
	secureRecord = 9
)

// wantTouched fails if anything differs that has nothing to do with the changes.
func wantTouched(t *testing.T, before, after string, changes []offline.ChangeSummary, data map[string]int) {
	t.Helper()
	paths := around(changes)
	created := func(file string) bool {
		return slices.ContainsFunc(changes, func(c offline.ChangeSummary) bool { return c.Path == file && c.Before == nil })
	}
	creates := slices.ContainsFunc(changes, func(c offline.ChangeSummary) bool { return c.Before == nil })
	for stream, n := range touched(t, before, after) {
		file, kind := path.Split(stream)
		if i := strings.Index(stream, "/$I30"); i >= 0 {
			file, kind = stream[:i], "$I30"
		}
		file = path.Clean("/" + strings.TrimSuffix(file, "/"))
		switch {
		case strings.HasPrefix(stream, "/$MFT/"): // by records, below
		case creates && keeps(stream):
		case strings.HasPrefix(kind, "$I") && slices.Contains(paths, file): // the index of a directory
		case kind == "$DATA" && (n <= data[file] || created(file)):
		default:
			t.Errorf("%d bytes of %q differ", n, stream)
		}
	}
	var numbers []int
	for _, p := range paths {
		numbers = append(numbers, inode(t, before, p), inode(t, after, p))
	}
	if creates {
		numbers = append(numbers, tableRecord, secureRecord)
	}
	used, unused := records(t, before, after)
	for _, n := range append(used, unused...) {
		if !slices.Contains(numbers, n) {
			t.Errorf("file record %d differs, and is none of %v (%q)", n, numbers, paths)
		}
	}
	for _, c := range changes {
		if c.Before != nil && c.After != nil {
			if was, is := attributes(t, before, c.Path), attributes(t, after, c.Path); was != is {
				t.Errorf("%s: was\n%s\nis\n%s", c.Path, was, is)
			}
		}
	}
}

// attributes are inode, names, Windows attributes and descriptor of a file.
func attributes(t *testing.T, image, file string) string {
	t.Helper()
	var kept []string
	n := inode(t, image, file)
	for line := range strings.Lines(record(t, image, n)) {
		for _, name := range []string{"File attributes:", "Parent directory:", "Filename:", "Namespace:", "SID:", "access:", "Control:", "Hard Links:", "Security ID:"} {
			if strings.Contains(line, name) {
				kept = append(kept, line)
			}
		}
	}
	if n == 0 || len(kept) < 5 {
		t.Fatalf("ntfsinfo says but %q of %s", kept, file)
	}
	return fmt.Sprint(n, "\n", strings.Join(kept, ""))
}

// wantOnlyTimes fails if more differs than times and counts of writes, and what no
// file holds; and, where files were new, what NTFS keeps.
func wantOnlyTimes(t *testing.T, before, after string, created bool) {
	t.Helper()
	for stream, n := range touched(t, before, after) {
		if stream != "/$MFT/$DATA" && !strings.Contains(stream, "$I30") && (!created || stream != "" && !keeps(stream)) {
			t.Errorf("undo left %d bytes of %q", n, stream)
		}
	}
	used, _ := records(t, before, after)
	for _, n := range used {
		if created && (n == tableRecord || n == secureRecord) {
			continue
		}
		if was, is := record(t, before, n), record(t, after, n); was != is {
			t.Errorf("undo left file record %d: was\n%s\nis\n%s", n, was, is)
		}
	}
}
