package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// releases are a Windows Server for each launch agent.
var releases = map[string]string{windows.EC2Config: "2012 R2", windows.EC2LaunchV1: "2019", windows.EC2LaunchV2: "2022"}

const windowsSize = 96 << 20

// windowsDisk is the disk of a Windows whose launch agent makes a password at the
// first start, as that of a public image does.
func windowsDisk(t testing.TB, agent string) string {
	t.Helper()
	return madeOnce(t, agent, func(path string) error {
		_, err := testdisk.NewNTFSDisk(context.Background(), path, windowsSize, func(root string) error {
			windows.Write(t, root, windows.Machine{Release: releases[agent], Agents: []windows.Agent{{Kind: agent, Armed: true}}})
			return nil
		})
		return err
	})
}

// volumeFiles are the files of a Windows volume, a line each with the sum of what
// they hold. Left out are those that a start alone changes rightly: the password, and
// what EC2Launch v2 remembers of its last run.
func volumeFiles(t testing.TB, image string) string {
	t.Helper()
	var text strings.Builder
	disk := &testdisk.NTFSImage{Path: image, Offset: 1 << 20}
	err := disk.View(func(root string) error {
		return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasSuffix(path, "/sam.lab") || strings.HasSuffix(path, "state.json") {
				return err
			}
			data, err := os.ReadFile(path)
			fmt.Fprintf(&text, "%s %x\n", strings.TrimPrefix(path, root), sha256.Sum256(data))
			return err
		})
	})
	if err != nil || !strings.Contains(text.String(), "/config/SOFTWARE ") {
		t.Fatalf("cannot read %s: %v %s", image, err, text.String())
	}
	return text.String()
}

// imageSum is the sum of what lies on a disk, and where: a copy may have a hole for
// zeroes.
func imageSum(t testing.TB, path string) string {
	t.Helper()
	sum, err := testdisk.Sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
