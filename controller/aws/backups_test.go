package aws

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

func TestBackups(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"CreateImage":    ok("<R><imageId>ami-1</imageId></R>"),
		"CreateSnapshot": ok("<R><snapshotId>snap-1</snapshotId></R>"),
		"DescribeImages": ok(`<R><imagesSet><item><imageId>ami-1</imageId><name>regain-R</name><imageState>pending</imageState>
<blockDeviceMapping><item><ebs><snapshotId>snap-1</snapshotId></ebs></item><item><ebs/></item><item><virtualName>ephemeral0</virtualName></item></blockDeviceMapping></item></imagesSet></R>`),
		"DescribeSnapshots": ok(`<R><snapshotSet><item><snapshotId>snap-1</snapshotId></item><item><snapshotId>snap-2</snapshotId><status>completed</status></item></snapshotSet></R>`),
	})
	ctx, tags := t.Context(), map[string]string{controller.TagRun: "R"}
	if id, err := cloud.BackUpImage(ctx, "i-1", "regain-R", "before", tags); id != "ami-1" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	s.one("CreateImage").want(t, map[string]string{"InstanceId": "i-1", "Name": "regain-R", "NoReboot": "true", "TagSpecification.1.ResourceType": "image", "TagSpecification.2.ResourceType": "snapshot"})
	if id, err := cloud.BackUpSnapshot(ctx, "vol-1", "before", tags); id != "snap-1" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	s.one("CreateSnapshot").want(t, map[string]string{"VolumeId": "vol-1", "TagSpecification.1.ResourceType": "snapshot", "TagSpecification.1.Tag.1.Value": "R"})
	got, err := cloud.BackupsTagged(ctx, controller.TagRun, "R")
	want := []controller.Backup{{ID: "ami-1", Name: "regain-R", State: "pending", Snapshots: []string{"snap-1"}}, {ID: "snap-2", State: "completed"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	s.one("DescribeImages").want(t, map[string]string{"Owner.1": "self", "Filter.1.Name": "tag:regain:run"})
}

// TestDeleteBackup goes on where an earlier attempt was cut off.
func TestDeleteBackup(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"DeregisterImage": {refusal(400, "InvalidAMIID.Unavailable", "gone")},
		"DeleteSnapshot":  {refusal(400, "InvalidSnapshot.NotFound", "gone"), {status: 200, body: "<R/>"}, refusal(400, "InvalidSnapshot.InUse", "by ami-2")},
	})
	if err := cloud.DeleteBackup(t.Context(), controller.Backup{ID: "ami-1", Snapshots: []string{"snap-1", "snap-2"}}); err != nil {
		t.Error(err)
	}
	wantKind(t, cloud.DeleteBackup(t.Context(), controller.Backup{ID: "snap-3"}), controller.State, "InvalidSnapshot.InUse")
	if s.one("DeregisterImage"); s.of("DeleteSnapshot")[2].form.Get("SnapshotId") != "snap-3" {
		t.Error("another snapshot")
	}
}

func TestDeliver(t *testing.T) {
	const listing = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken><Contents><Key>R/regain-agent</Key></Contents></ListBucketResult>`
	s, cloud := newServer(t, map[string][]answer{
		"GetCallerIdentity": ok(callerIdentity), "HEAD /b": {{status: 200}, {status: 403}}, "PUT /b/R/regain-agent": ok(""), "DELETE /b/R/regain-agent": {{status: 204}},
		"GET /b": ok(listing, `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>R/two</Key></Contents></ListBucketResult>`),
	})
	ctx, agent := t.Context(), []byte("\x7fELF")
	if there, err := cloud.BucketExists(ctx, "b"); !there || err != nil {
		t.Errorf("got %v, %v", there, err)
	}
	_, err := cloud.BucketExists(ctx, "b")
	wantKind(t, err, controller.Denied, "Forbidden")
	if err := cloud.Deliver(ctx, "b", "R/regain-agent", agent); err != nil {
		t.Fatal(err)
	}
	put := s.one("PUT /b/R/regain-agent")
	sum := sha256.Sum256(agent)
	if got, want := put.http.Header.Get("X-Amz-Checksum-Sha256"), base64.StdEncoding.EncodeToString(sum[:]); got != want || put.body != string(agent) {
		t.Errorf("the store is told %q, want %q; body %q", got, want, put.body)
	}
	keys, err := cloud.Delivered(ctx, "b", "R/")
	if !slices.Equal(keys, []string{"R/regain-agent", "R/two"}) || err != nil {
		t.Errorf("got %v, %v", keys, err)
	}
	if err := cloud.Undeliver(ctx, "b", "R/regain-agent"); err != nil {
		t.Error(err)
	}
	for _, q := range s.seen {
		if strings.Contains(q.operation, "/b") && q.http.Header.Get("X-Amz-Expected-Bucket-Owner") != "111122223333" {
			t.Errorf("%s does not say whose bucket it means", q.operation)
		}
	}
}

// TestLink opens what it presigns, with nothing but the URL.
func TestLink(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"GET /b/R/regain-agent": ok("agent")})
	link, err := cloud.Link(t.Context(), "b", "R/regain-agent", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("X-Amz-Expires") != "3600" || u.Query().Get("X-Amz-SignedHeaders") != "host" || u.Query().Get("X-Amz-Signature") == "" {
		t.Errorf("got %s, %v", link, err)
	}
	answer, err := http.Get(link)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v", answer, err)
	}
	s.one("GET /b/R/regain-agent")
	if calls := cloud.Calls(); len(calls) != 0 {
		t.Errorf("signing called %v", calls)
	}
}
