package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

const checksumPrefix = "X-Amz-Checksum-"

// algorithms are those of x-amz-checksum-….
var algorithms = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

// nvme is the polynomial of the NVM Express specification, reversed.
const nvme = 0x9a6c9329ac4bc9b5

// checksums are those that a request gives or announces, by header. One that is
// given must be right; one that is announced as a trailer, which the way here has
// dropped, is computed.
func checksums(given http.Header, data []byte) (map[string]string, error) {
	sums := map[string]string{}
	for name, algorithm := range algorithms {
		header := checksumPrefix + name
		want := given.Get(header)
		announced := strings.EqualFold(given.Get("X-Amz-Trailer"), header) ||
			strings.EqualFold(given.Get("X-Amz-Sdk-Checksum-Algorithm"), name)
		if want == "" && !announced {
			continue
		}
		h := algorithm()
		h.Write(data)
		sums[header] = base64.StdEncoding.EncodeToString(h.Sum(nil))
		if want != "" && want != sums[header] {
			return nil, &wire.Fault{Code: "BadDigest", Message: "The " + strings.ToUpper(name) + " you specified did not match the calculated checksum."}
		}
	}
	return sums, nil
}
