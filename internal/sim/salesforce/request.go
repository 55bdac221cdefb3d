package salesforce

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// request is an API request, or a part of a composite one.
type request struct {
	method  string
	version string   // such as "67.0"
	path    []string // below the version, unescaped
	query   url.Values
	header  http.Header
	body    []byte
}

var versionPath = regexp.MustCompile(`^/services/data/v(\d+\.\d)(/.*)?$`)

func newRequest(method string, u *url.URL, header http.Header, body []byte) (request, *failure) {
	m := versionPath.FindStringSubmatch(u.EscapedPath())
	if m == nil {
		return request{}, notFound()
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	req := request{method: method, version: m[1], query: u.Query(), header: header, body: body}
	for part := range strings.SplitSeq(strings.Trim(m[2], "/"), "/") {
		part, err := url.PathUnescape(part)
		if err != nil {
			return request{}, notFound()
		}
		req.path = append(req.path, part)
	}
	if len(body) > 0 && !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		return request{}, fail("UNSUPPORTED_MEDIA_TYPE", "Content type of the request is not supported").
			with(http.StatusUnsupportedMediaType)
	}
	return req, nil
}

// base returns the path prefix of the request's resources.
func (r request) base() string { return "/services/data/v" + r.version }
