package wire

import (
	"net/http"
	"strings"
)

// A refusal is why a request is not authenticated.
type refusal int

const (
	accepted   refusal = iota
	unsigned           // no signature at all
	malformed          // a signature that cannot be read
	unknownKey         // an access key that does not exist
	badToken           // a session token that is not the key's
	mismatch           // another secret, or another request, was signed
	tooOld             // signed too long ago, or in the future
	expired            // temporary credentials that have ended
)

const notValidated = "AWS was not able to validate the provided access credentials"

// fault is what a service answers to the refused; each family has words of its own.
func (f refusal) fault(service string, presigned bool) *Fault {
	switch ProtocolOf(service) {
	case EC2Query:
		return f.ec2()
	case AWSQuery:
		return f.query()
	case AWSJSON:
		return f.json()
	}
	return f.s3(presigned)
}

func (f refusal) ec2() *Fault {
	switch f {
	case unsigned, malformed:
		return &Fault{"MissingAuthenticationToken", "Request is missing Authentication Token", http.StatusForbidden}
	case tooOld, expired:
		return &Fault{"RequestExpired", "Request has expired.", http.StatusBadRequest}
	}
	return &Fault{"AuthFailure", notValidated, http.StatusUnauthorized}
}

func (f refusal) query() *Fault {
	switch f {
	case unsigned:
		return &Fault{"MissingAuthenticationToken", "Request is missing Authentication Token", http.StatusForbidden}
	case malformed:
		return &Fault{"IncompleteSignature", "The request signature does not conform to AWS standards", http.StatusForbidden}
	case unknownKey, badToken:
		return &Fault{"InvalidClientTokenId", "The security token included in the request is invalid.", http.StatusForbidden}
	case tooOld:
		return &Fault{"SignatureDoesNotMatch", "Signature expired or not yet current", http.StatusForbidden}
	case expired:
		return &Fault{"ExpiredToken", "The security token included in the request is expired", http.StatusForbidden}
	}
	return &Fault{"SignatureDoesNotMatch", signatureText, http.StatusForbidden}
}

func (f refusal) json() *Fault {
	switch f {
	case unsigned:
		return &Fault{"MissingAuthenticationTokenException", "Missing Authentication Token", http.StatusBadRequest}
	case malformed:
		return &Fault{"IncompleteSignatureException", "The request signature does not conform to AWS standards", http.StatusBadRequest}
	case unknownKey, badToken:
		return &Fault{"UnrecognizedClientException", "The security token included in the request is invalid.", http.StatusBadRequest}
	case tooOld:
		return &Fault{"InvalidSignatureException", "Signature expired or not yet current", http.StatusBadRequest}
	case expired:
		return &Fault{"ExpiredTokenException", "The security token included in the request is expired", http.StatusBadRequest}
	}
	return &Fault{"InvalidSignatureException", signatureText, http.StatusBadRequest}
}

const signatureText = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func (f refusal) s3(presigned bool) *Fault {
	switch f {
	case unsigned:
		return &Fault{"AccessDenied", "Access Denied", http.StatusForbidden}
	case malformed:
		return &Fault{"AuthorizationHeaderMalformed", "The authorization that you provided is not valid", http.StatusBadRequest}
	case unknownKey:
		return &Fault{"InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", http.StatusForbidden}
	case badToken:
		return &Fault{"InvalidToken", "The provided token is malformed or otherwise invalid.", http.StatusBadRequest}
	case tooOld:
		if presigned {
			return &Fault{"AccessDenied", "Request has expired", http.StatusForbidden}
		}
		return &Fault{"RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", http.StatusForbidden}
	case expired:
		return &Fault{"ExpiredToken", "The provided token has expired.", http.StatusBadRequest}
	}
	return &Fault{"SignatureDoesNotMatch", signatureText, http.StatusForbidden}
}

// guessService is the service that an unsigned request is for, as far as it shows.
func guessService(r *http.Request) string {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return "ssm"
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return "ec2"
	}
	return "s3"
}
