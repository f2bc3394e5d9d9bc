package selinux_test

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debianPolicy unpacks Debian's reference policy, which is never installed
// here, into a directory that later runs find again.
func debianPolicy(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cannotRun(t, "no cache directory", err)
	}
	dir := filepath.Join(cache, "regain-test", "selinux-policy-default")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "unpack-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	get := exec.Command("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "selinux-policy-default")
	get.Dir = tmp
	if out, err := get.CombinedOutput(); err != nil {
		cannotRun(t, "cannot download selinux-policy-default: "+string(out), err)
	}
	debs, _ := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if len(debs) != 1 {
		t.Fatalf("apt-get left %q", debs)
	}
	if out, err := exec.Command("dpkg-deb", "-x", debs[0], filepath.Join(tmp, "root")).CombinedOutput(); err != nil {
		t.Fatalf("cannot unpack: %v: %s", err, out)
	}
	if err := os.Rename(filepath.Join(tmp, "root"), dir); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return dir
}

// moduleContexts are the file contexts that the policy's modules hold, kept
// beside them as text since unpacking takes long.
func moduleContexts(t *testing.T, policy string) (specs, homes []string) {
	t.Helper()
	kept := filepath.Join(policy, "modules.fc")
	text, err := os.ReadFile(kept)
	if err != nil {
		text = unpackModules(t, policy)
		if err := os.WriteFile(kept, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.ContainsAny(line, "%") || strings.HasPrefix(line, "HOME_") {
			homes = append(homes, line)
		} else {
			specs = append(specs, line)
		}
	}
	return specs, homes
}

func unpackModules(t *testing.T, policy string) []byte {
	t.Helper()
	modules, err := filepath.Glob(filepath.Join(policy, "usr/share/selinux/default/*.pp.bz2"))
	if err != nil || len(modules) < 100 {
		t.Fatalf("%d modules: %v", len(modules), err)
	}
	var text bytes.Buffer
	for _, name := range modules {
		packed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(contextsSection(data) + "\n")
	}
	return text.Bytes()
}

// contextsSection finds the file contexts in a module package, which is a list
// of sections; theirs begins with a magic number of its own (libsepol: module.c).
func contextsSection(data []byte) string {
	const magic = 0xf97cff90
	n := int(binary.LittleEndian.Uint32(data[8:]))
	for i := range n {
		at := binary.LittleEndian.Uint32(data[12+4*i:])
		if binary.LittleEndian.Uint32(data[at:]) != magic {
			continue
		}
		end := uint32(len(data))
		if i+1 < n {
			end = binary.LittleEndian.Uint32(data[12+4*(i+1):])
		}
		return string(data[at+4 : end])
	}
	return ""
}

// installPolicy lays the contexts out as a policy store would: the templates of
// home directories filled in for ordinary users and for root.
func installPolicy(t *testing.T, policy, root string) []string {
	t.Helper()
	specs, homes := moduleContexts(t, policy)
	var filled []string
	for _, home := range []string{"/home/[^/]+", "/root"} {
		r := strings.NewReplacer("HOME_DIR", home, "HOME_ROOT", "/home", "%{USERID}", "[^/]+", "%{USERNAME}", "[^/]+", "system_u:", "unconfined_u:")
		for _, line := range homes {
			filled = append(filled, r.Replace(line))
		}
	}
	dir := filepath.Join(root, "etc/selinux/default/contexts/files")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	dist, err := os.ReadFile(filepath.Join(policy, "etc/selinux/default/contexts/files/file_contexts.subs_dist"))
	if err != nil {
		t.Fatal(err)
	}
	for suffix, content := range map[string]string{
		"":           strings.Join(specs, "\n") + "\n",
		".homedirs":  strings.Join(filled, "\n") + "\n",
		".local":     "/srv/keys(/.*)?\tsystem_u:object_r:ssh_home_t:s0\n/etc/motd\tsystem_u:object_r:local_t:s0\n",
		".subs":      "/data/home /home\n/export /\n/data/home/deep /var/lib\n",
		".subs_dist": string(dist) + "\n/var/home /home\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "file_contexts"+suffix), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return append(specs, filled...)
}
