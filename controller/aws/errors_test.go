package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed-77750964/regain/controller"
)

// refusal is an error as EC2 words it.
func refusal(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`, code, message)}
}

// refused is an error in JSON, as Systems Manager words it.
func refused(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message), header: map[string]string{"Content-Type": "application/x-amz-json-1.1"}}
}

func wantKind(t *testing.T, err error, kind controller.Kind, code string) controller.CloudError {
	t.Helper()
	var failed *controller.CloudError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a CloudError", err)
	}
	if failed.Kind != kind || failed.Code != code {
		t.Errorf("got %s %s (%v), want %s %s", failed.Kind, failed.Code, err, kind, code)
	}
	return *failed
}

func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		want   controller.Kind
	}{
		{400, "InvalidInstanceID.NotFound", controller.NotFound},
		{400, "InvalidVolume.NotFound", controller.NotFound},
		{400, "InvalidAttachment.NotFound", controller.NotFound},
		{400, "InvalidAMIID.Unavailable", controller.NotFound},
		{400, "ParameterNotFound", controller.NotFound},
		{400, "InvocationDoesNotExist", controller.NotFound},
		{404, "NoSuchEntity", controller.NotFound},
		{400, "NotFoundException", controller.NotFound}, // KMS
		{403, "UnauthorizedOperation", controller.Denied},
		{400, "AccessDeniedException", controller.Denied},
		{403, "AccessDenied", controller.Denied},
		{400, "ExpiredTokenException", controller.Denied},
		{401, "AuthFailure", controller.Denied},
		{403, "SomethingNew", controller.Denied},
		{503, "RequestLimitExceeded", controller.Throttled},
		{400, "ThrottlingException", controller.Throttled},
		{400, "Throttling", controller.Throttled},
		{503, "SlowDown", controller.Throttled},
		{400, "SnapshotCreationPerVolumeRateExceeded", controller.Throttled},
		{429, "SomethingNew", controller.Throttled},
		{500, "InternalError", controller.Unknown},
		{503, "Unavailable", controller.Unknown},
		{500, "SomethingNew", controller.Unknown},
		{500, "InsufficientInstanceCapacity", controller.Capacity},
		{503, "InsufficientHostCapacity", controller.Capacity},
		{400, "IncorrectInstanceState", controller.State},
		{400, "IncorrectState", controller.State},
		{400, "VolumeInUse", controller.State},
		{400, "DependencyViolation", controller.State},
		{400, "OperationNotPermitted", controller.State},
		{400, "InvalidInstanceId", controller.State},
		{400, "KMSInvalidStateException", controller.State},
		{400, "InvalidAMIName.Duplicate", controller.Exists},
		{400, "ParameterAlreadyExists", controller.Exists},
		{400, "InvalidGroup.Duplicate", controller.Exists},
		{400, "RouteAlreadyExists", controller.Exists},
		{400, "VpcLimitExceeded", controller.Quota},
		{400, "AttachmentLimitExceeded", controller.Quota},
		{400, "ConcurrentSnapshotLimitExceeded", controller.Quota},
		{400, "ParameterMaxVersionLimitExceeded", controller.Quota},
		{400, "InvalidParameterValue", controller.Invalid},
		{400, "InvalidVolume.ZoneMismatch", controller.Invalid},
		{400, "SomethingNew", controller.Invalid},
	} {
		if got := kindOf(tt.code, tt.status); got != tt.want {
			t.Errorf("%d %s is %s, want %s", tt.status, tt.code, got, tt.want)
		}
	}
}

// TestWhatLags has EC2 refuse what is right, and only not known yet, in the words
// that others have met.
func TestWhatLags(t *testing.T) {
	for message, tt := range map[string]struct {
		code string
		want controller.Kind
	}{
		"Invalid value '/dev/sda1' for unixDevice. Attachment point /dev/sda1 is already in use":                    {"InvalidParameterValue", controller.State},
		"Invalid value '/dev/sdzz' for unixDevice. Device is not a valid EBS device name":                           {"InvalidParameterValue", controller.Invalid},
		"No device is currently mapped at /dev/sda1":                                                                {"InvalidInstanceAttributeValue", controller.State},
		"Value (regain-helper) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name": {"InvalidParameterValue", controller.NotFound},
	} {
		_, cloud := newServer(t, map[string][]answer{"AttachVolume": {refusal(400, tt.code, message)}})
		wantKind(t, cloud.Attach(t.Context(), "vol-1", "i-1", "/dev/sda1"), tt.want, tt.code)
	}
}

func TestKindsNameACodeOnce(t *testing.T) {
	of := map[string]controller.Kind{}
	for kind, codes := range kinds {
		for _, code := range codes {
			if of[code] != "" {
				t.Errorf("%s is %s and %s", code, of[code], kind)
			}
			of[code] = kind
		}
	}
}

// TestRefusal wants the action, the code and what a person can read.
func TestRefusal(t *testing.T) {
	const denied = "You are not authorized to perform this operation. User: u is not authorized to perform: ec2:StopInstances"
	_, cloud := newServer(t, map[string][]answer{
		"StopInstances":     {refusal(403, "UnauthorizedOperation", denied+" Encoded authorization failure message: 6dNcRiCXq")},
		"SendCommand":       {refused(400, "ThrottlingException", "Rate exceeded")},
		"StartInstances":    {{status: 503, body: refusal(503, "RequestLimitExceeded", "Request limit exceeded.").body, header: map[string]string{"Retry-After": "7"}}},
		"PUT /b/k":          {{status: 403, body: `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`}},
		"HEAD /b":           {{status: 404}},
		"GetCallerIdentity": ok(callerIdentity),
	})
	failed := wantKind(t, cloud.Stop(t.Context(), false, "i-1"), controller.Denied, "UnauthorizedOperation")
	if failed.Action != "ec2:StopInstances" || failed.Message != denied {
		t.Errorf("got %+v", failed)
	}
	_, err := cloud.Send(t.Context(), controller.Command{}, "i-1")
	wantKind(t, err, controller.Throttled, "ThrottlingException")
	if failed = wantKind(t, cloud.Start(t.Context(), "i-1"), controller.Throttled, "RequestLimitExceeded"); failed.After != 7*time.Second {
		t.Errorf("Retry-After is lost: %v", failed.After)
	}
	if failed = wantKind(t, cloud.Deliver(t.Context(), "b", "k", []byte("x")), controller.Denied, "AccessDenied"); failed.Action != "s3:PutObject" {
		t.Errorf("got %+v", failed)
	}
	if there, err := cloud.BucketExists(t.Context(), "b"); there || err != nil {
		t.Errorf("a bucket that is not there: %v, %v", there, err)
	}
}

// TestLostAnswers loses the answer in several ways. What only looks, or has a
// token, is asked again; what changes something is told as unknown at once.
func TestLostAnswers(t *testing.T) {
	for name, lost := range map[string]answer{
		"connection": {drop: true}, "status 500": {status: 500}, "internal error": refusal(500, "InternalError", "x"), "status 503": {status: 503, body: "<html>"},
		"half an answer": {status: 200, body: "<AttachVolumeResponse><vol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the SDK waits between attempts
			s, cloud := newServer(t, map[string][]answer{
				"AttachVolume": {lost}, "DescribeVolumes": {lost, lost, {status: 200, body: "<DescribeVolumesResponse/>"}},
				"RunInstances":   {lost, {status: 200, body: `<RunInstancesResponse><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></RunInstancesResponse>`}},
				"DescribeImages": ok(`<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><rootDeviceName>/dev/xvda</rootDeviceName></item></imagesSet></DescribeImagesResponse>`),
			})
			var failed *controller.CloudError
			if err := cloud.Attach(t.Context(), "vol-1", "i-1", "/dev/sdf"); !errors.As(err, &failed) || failed.Kind != controller.Unknown || failed.Action != "ec2:AttachVolume" {
				t.Errorf("AttachVolume: %v", err)
			}
			s.one("AttachVolume")
			if name == "half an answer" {
				return // the SDK does not repeat what has come with status 200
			}
			if _, err := cloud.Volumes(t.Context(), "vol-1"); err != nil || len(s.of("DescribeVolumes")) != 3 {
				t.Errorf("DescribeVolumes: %v after %d calls", err, len(s.of("DescribeVolumes")))
			}
			if id, err := cloud.Launch(t.Context(), controller.Launch{Token: "t", Image: "ami-1"}); err != nil || id != "i-1" {
				t.Errorf("RunInstances: %q, %v", id, err)
			}
			launches := s.of("RunInstances")
			if len(launches) != 2 || launches[0].form.Get("ClientToken") != "t" || launches[1].form.Get("ClientToken") != "t" {
				t.Errorf("launched %d times, not with one token", len(launches))
			}
			if counts := cloud.Counts(); counts["ec2:DescribeVolumes"] != 3 || counts["ec2:AttachVolume"] != 1 {
				t.Errorf("the ledger counts %v", counts)
			}
		})
	}
}

// TestThrottlesAreNotRepeated leaves pacing to the controller.
func TestThrottlesAreNotRepeated(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"DescribeVolumes": {refusal(503, "RequestLimitExceeded", "slow down")}})
	_, err := cloud.Volumes(t.Context(), "vol-1")
	wantKind(t, err, controller.Throttled, "RequestLimitExceeded")
	s.one("DescribeVolumes")
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	wantKind(t, newCloudWith(t, "http://127.0.0.1:1").Stop(t.Context(), false, "i-1"), controller.Unknown, "NoAnswer")
}

func newCloudWith(t *testing.T, endpoint string) *Cloud {
	t.Helper()
	return newCloud(sdk.Config{Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: "A", SecretAccessKey: "s"}, nil
		})})
}

// TestNoCredentials is nothing that goes away by itself, unlike a network that
// is down while credentials are fetched.
func TestNoCredentials(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind controller.Kind
		code string
	}{
		{errors.New("the SSO session has expired"), controller.Denied, "NoCredentials"},
		{fmt.Errorf("assume role: %w", &timeoutError{}), controller.Unknown, "NoAnswer"},
	} {
		endpoint := "http://127.0.0.1:1"
		failing := newCloud(sdk.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials{
			sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) { return sdk.Credentials{}, tt.err }),
		}})
		failed := wantKind(t, failing.Stop(t.Context(), false, "i-1"), tt.kind, tt.code)
		if !strings.Contains(failed.Message, tt.err.Error()) {
			t.Errorf("%q does not say why", failed.Message)
		}
	}
}

type timeoutError struct{}

func (*timeoutError) Error() string   { return "i/o timeout" }
func (*timeoutError) Timeout() bool   { return true }
func (*timeoutError) Temporary() bool { return true }

// TestInterrupted ends with its context, and says that it may have happened.
func TestInterrupted(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := cloud.Stop(ctx, false, "i-1")
	var failed *controller.CloudError
	if !errors.As(err, &failed) || failed.Kind != controller.Unknown {
		t.Errorf("got %v", err)
	}
}
