package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	awsautoscaling "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/seed-77750964/regain/lab/ec2"
)

// run lets Run announce the lab, and waits for the announcement.
func (b *bench) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := ReadEndpoint(b.Lab.cfg.State); !os.IsNotExist(err) {
			t.Errorf("the endpoint's file stays: %v", err)
		}
	})
	for {
		if _, err := ReadEndpoint(b.Lab.cfg.State); err == nil {
			return
		}
		select {
		case err := <-ended:
			t.Fatalf("Run ended: %v", err)
		case <-t.Context().Done():
			t.Fatal("the lab is not announced")
		case <-time.After(time.Millisecond):
		}
	}
}

const helperRights = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ssm:*","Resource":"*"}}`

func TestCommandsReachTheLabThatRuns(t *testing.T) {
	b := serve(t, nil)
	b.run(t)
	role := NewRole{Name: "other-helper", Service: "ec2.amazonaws.com", Policy: json.RawMessage(helperRights)}
	if err := Do(t.Context(), b.Lab.cfg.State, "create-role", role, &Nothing{}); err != nil {
		t.Fatal(err)
	}
	name := "other-helper"
	got, err := awsiam.NewFromConfig(b.cfg).GetInstanceProfile(t.Context(), &awsiam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil || len(got.InstanceProfile.Roles) != 1 || *got.InstanceProfile.Roles[0].RoleName != name {
		t.Errorf("got %+v, %v", got, err)
	}
	role.Name = "a/b"
	if err := Do(t.Context(), b.Lab.cfg.State, "create-role", role, &Nothing{}); err == nil || !strings.Contains(err.Error(), "a/b") {
		t.Errorf("a refusal does not come back: %v", err)
	}
	image := t.TempDir() + "/root.raw"
	if err := os.WriteFile(image, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	var created Created
	if err := Do(t.Context(), b.Lab.cfg.State, "create-instance", ec2.Spec{Image: image, Stopped: true}, &created); err != nil || !strings.HasPrefix(created.ID, "i-") {
		t.Errorf("got %+v, %v", created, err)
	}
	var found Found
	if err := Do(t.Context(), b.Lab.cfg.State, "find-instance", created, &found); err != nil || found != (Found{ID: created.ID, State: "stopped"}) {
		t.Errorf("got %+v, %v", found, err)
	}
	if err := Do(t.Context(), b.Lab.cfg.State, "find-instance", Created{"i-0"}, &found); err == nil {
		t.Error("an instance that is not there is found")
	}
	if err := Do(t.Context(), b.Lab.cfg.State, "join-group", Member{Group: "g", Instance: "i-0"}, &Nothing{}); err == nil {
		t.Error("an instance that is not there joins a group")
	}
}

func TestCommandsWithoutALabThatRuns(t *testing.T) {
	b := serve(t, nil)
	state := b.Lab.cfg.State
	b.stop()
	policy := NewPolicy{Kind: "user", Principal: Operator, Name: "all", Policy: json.RawMessage(helperRights)}
	if err := Do(t.Context(), state, "put-policy", policy, &Nothing{}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(state + "/iam.json"); err != nil || !bytes.Contains(data, []byte(`"all"`)) {
		t.Errorf("the policy is not kept: %v", err)
	}
	image := t.TempDir() + "/root.raw"
	if err := os.WriteFile(image, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	var made Created
	if err := Do(t.Context(), state, "create-instance", ec2.Spec{Image: image, Platform: "windows"}, &made); err != nil {
		t.Fatal(err)
	}
	var found Found
	if err := Do(t.Context(), state, "find-instance", made, &found); err != nil || !found.Unserved {
		t.Errorf("who waits does not learn that no lab runs: %+v, %v", found, err)
	}
	var v Verdict
	if err := Do(t.Context(), state, "check-password", Attempt{ID: made.ID, Password: "x"}, &v); err != nil || v.Opens || v.Why != "no lab runs it" {
		t.Errorf("%+v, %v", v, err)
	}
	if err := Do(t.Context(), state, "nonsense", policy, &Nothing{}); err == nil {
		t.Error("a command that does not exist succeeds")
	}
}

func TestJoinGroup(t *testing.T) {
	b := serve(t, nil)
	b.run(t)
	image := t.TempDir() + "/root.raw"
	if err := os.WriteFile(image, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	created, err := b.CreateInstance(t.Context(), ec2.Spec{Image: image, Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := Do(t.Context(), b.Lab.cfg.State, "join-group", Member{Group: "web", Instance: created.ID, State: "Standby", Min: 2}, &Nothing{}); err != nil {
		t.Fatal(err)
	}
	got, err := awsautoscaling.NewFromConfig(b.cfg).DescribeAutoScalingInstances(t.Context(), &awsautoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{created.ID}})
	if err != nil || len(got.AutoScalingInstances) != 1 || *got.AutoScalingInstances[0].LifecycleState != "Standby" || *got.AutoScalingInstances[0].AutoScalingGroupName != "web" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCommandsSideBySide has each wait for the others, since they work on the files.
func TestCommandsSideBySide(t *testing.T) {
	b := serve(t, nil)
	state := b.Lab.cfg.State
	b.stop()
	var group sync.WaitGroup
	for n := range 5 {
		group.Go(func() {
			policy := NewPolicy{Kind: "user", Principal: Operator, Name: fmt.Sprint("p", n), Policy: json.RawMessage(helperRights)}
			if err := Do(t.Context(), state, "put-policy", policy, &Nothing{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	data, err := os.ReadFile(state + "/iam.json")
	if n := bytes.Count(data, []byte(`"ssm:*"`)); err != nil || n != 5 {
		t.Errorf("%d are kept: %v", n, err)
	}
}

func TestCommandsNeedTheToken(t *testing.T) {
	b := serve(t, nil)
	for name, tt := range map[string]struct {
		method, path, token string
		want                int
	}{
		"no token":    {http.MethodPost, "create-role", "", http.StatusForbidden},
		"wrong token": {http.MethodPost, "create-role", "Bearer x", http.StatusForbidden},
		"no command":  {http.MethodPost, "nonsense", "Bearer " + b.token, http.StatusNotFound},
		"a GET":       {http.MethodGet, "create-role", "Bearer " + b.token, http.StatusNotFound},
		"no JSON":     {http.MethodPost, "create-role", "Bearer " + b.token, http.StatusUnprocessableEntity},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, b.server.URL+controlPath+tt.path, strings.NewReader("{"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", tt.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, response.StatusCode, tt.want)
		}
	}
}
