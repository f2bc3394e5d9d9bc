package aws

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seed-77750964/regain/controller"
)

// kinds sorts the codes of AWS. Those of EC2 are from its API reference, "Error
// codes"; those of the other services from the errors of each operation.
var kinds = map[controller.Kind][]string{
	controller.NotFound: {
		"InvalidAMIID.Unavailable", "InvalidInstanceType", "InvocationDoesNotExist", "InvalidCommandId", "NoSuchBucket",
		"NoSuchEntity", "NoSuchKey", "NoSuchResourceException", "NotFound", "NotFoundException", "ParameterNotFound", "ParameterVersionNotFound",
	},
	controller.Denied: {
		"AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException", "Forbidden", "IncompleteSignature",
		"InvalidClientTokenId", "InvalidIdentityToken", "InvalidAccessKeyId", "InvalidGrantException", "MissingAuthenticationToken", "OptInRequired", "RequestExpired",
		"SignatureDoesNotMatch", "UnauthorizedException", "UnauthorizedOperation", "UnrecognizedClientException", "Blocked",
	},
	controller.Throttled: {
		"BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled",
		"RequestThrottledException", "SlowDown", "SnapshotCreationPerVolumeRateExceeded", "Throttling", "ThrottlingException", "ThrottledException",
		"TooManyRequestsException", "TooManyUpdates",
	},
	controller.Unknown: {
		"InternalError", "InternalFailure", "InternalServerError", "InternalServiceError", "KMSInternalException", "RequestTimeout", "RequestTimeoutException",
		"DependencyTimeoutException", "ServerInternal", "ServiceException", "ServiceFailure", "ServiceUnavailable", "Unavailable", "UnknownError",
	},
	controller.Capacity: {
		"InsufficientCapacity", "InsufficientHostCapacity", "InsufficientInstanceCapacity", "InsufficientReservedInstanceCapacity",
		"InsufficientAddressCapacity", "InsufficientVolumeCapacity", "ReservationCapacityExceeded",
	},
	controller.State: {
		"DependencyViolation", "DisabledException", "IdempotentInstanceTerminated", "IncorrectInstanceState", "IncorrectModificationState", "IncorrectState",
		"IncorrectStateException", "InvalidGroup.InUse", "InvalidInstanceId", "InvalidSnapshot.InUse", "InvalidState", "KMSInvalidStateException", "OperationNotPermitted",
		"ResourceContention", "ResourceInUse", "ScalingActivityInProgress", "VolumeInUse",
	},
	controller.Exists: {
		"EntityAlreadyExists", "ParameterAlreadyExists", "Resource.AlreadyAssociated", "RouteAlreadyExists",
	},
	controller.Quota: {
		"InsufficientFreeAddressesInSubnet",
	},
}

// byCode is kinds turned round.
var byCode = func() map[string]controller.Kind {
	codes := map[string]controller.Kind{}
	for kind, list := range kinds {
		for _, code := range list {
			codes[code] = kind
		}
	}
	return codes
}()

// endings sort the families of EC2's codes.
var endings = []struct {
	ending string
	kind   controller.Kind
}{
	{".NotFound", controller.NotFound},
	{".Duplicate", controller.Exists},
	{"LimitExceeded", controller.Quota},
	{"LimitExceededException", controller.Quota},
}

// kindOf sorts an answer by its code, and where that says nothing by its status.
func kindOf(code string, status int) controller.Kind {
	if kind, ok := byCode[code]; ok {
		return kind
	}
	for _, e := range endings {
		if strings.HasSuffix(code, e.ending) {
			return e.kind
		}
	}
	switch {
	case status == http.StatusTooManyRequests:
		return controller.Throttled
	case status >= http.StatusInternalServerError:
		return controller.Unknown
	case status == http.StatusForbidden:
		return controller.Denied
	}
	return controller.Invalid
}

// lagging are refusals whose code says that the call is wrong, and whose words
// that something is not known everywhere yet: a device that was just detached or
// attached, a profile that was just made.
var lagging = []struct {
	code, words string
	kind        controller.Kind
}{
	{"InvalidParameterValue", "is already in use", controller.State},
	{"InvalidInstanceAttributeValue", "No device is currently mapped", controller.State},
	{"InvalidParameterValue", "Invalid IAM Instance Profile", controller.NotFound},
}

// kindOfAPI sorts an answer of the API.
func kindOfAPI(api smithy.APIError, status int) controller.Kind {
	for _, l := range lagging {
		if api.ErrorCode() == l.code && strings.Contains(api.ErrorMessage(), l.words) {
			return l.kind
		}
	}
	return kindOf(api.ErrorCode(), status)
}

// failure makes a *controller.CloudError of an error of the SDK.
func failure(err error) error {
	if err == nil {
		return nil
	}
	failed := &controller.CloudError{Kind: controller.Unknown, Code: "NoAnswer", Message: err.Error()}
	if operation := innermost(err); operation != nil {
		failed.Action = action(operation.ServiceID, operation.OperationName)
		failed.Message = operation.Err.Error()
	}
	status, after := answered(err)
	failed.After = after
	keyless := (*credentialsError)(nil)
	switch api := smithy.APIError(nil); {
	case errors.As(err, &api):
		failed.Kind, failed.Code, failed.Message = kindOfAPI(api, status), api.ErrorCode(), legible(api.ErrorMessage())
	case errors.As(err, &keyless) && !isNetwork(err):
		failed.Kind, failed.Code, failed.Message = controller.Denied, "NoCredentials", keyless.Error()
	case isParameter(err):
		failed.Kind, failed.Code = controller.Invalid, "InvalidParameter"
	case status >= http.StatusBadRequest:
		failed.Kind, failed.Code = kindOf("", status), "HTTP"+strconv.Itoa(status)
	}
	return failed
}

// innermost is the operation that failed: that of a call, or one that was made
// to get the credentials for it.
func innermost(err error) *smithy.OperationError {
	var found, next *smithy.OperationError
	for errors.As(err, &next) {
		found, err, next = next, next.Err, nil
	}
	return found
}

// answered is the status of the answer, 0 when there was none, and how long it
// asks to wait.
func answered(err error) (status int, after time.Duration) {
	response := (*smithyhttp.ResponseError)(nil)
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return 0, 0
	}
	seconds, err := strconv.ParseUint(response.Response.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		seconds = 0
	}
	return response.Response.StatusCode, time.Duration(seconds) * time.Second
}

func throttled(err error) bool {
	var failed *controller.CloudError
	return errors.As(failure(err), &failed) && failed.Kind == controller.Throttled
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network)
}

// isParameter tells what the SDK refused to send.
func isParameter(err error) bool {
	invalid := smithy.InvalidParamsError{}
	serialization := (*smithy.SerializationError)(nil)
	return errors.As(err, &invalid) || errors.As(err, &serialization)
}

// legible cuts what only DecodeAuthorizationMessage can read.
func legible(message string) string {
	text, _, _ := strings.Cut(message, " Encoded authorization failure message:")
	return text
}

// is tells whether an error is of a kind.
func is(err error, kind controller.Kind) bool {
	var failed *controller.CloudError
	return errors.As(err, &failed) && failed.Kind == kind
}

// unless forgets an error of a kind that means: done already.
func unless(kind controller.Kind, err error) error {
	if is(err, kind) {
		return nil
	}
	return err
}
