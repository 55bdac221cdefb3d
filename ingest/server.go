package ingest

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// maxBody is the largest body that is read, in bytes.
	maxBody = 1 << 20

	// maxPooled is the largest buffer that is kept for another request, in bytes. A real payload has about 1 KiB.
	maxPooled = 64 << 10
)

// Server returns a server whose timeouts cut off a client that dawdles: 5 s for the header, 10 s for the whole
// request, 15 s for the answer, 60 s between two requests.
func Server(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}

func (h *Handler) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = sendError
	webhooks := path
	if h.config.Secret != "" {
		webhooks += "/:secret"
	}
	route(e, webhooks, h.webhook, http.MethodPost)
	route(e, "/healthz", alive, http.MethodGet, http.MethodHead)
	route(e, "/readyz", h.ready, http.MethodGet, http.MethodHead)
	return e
}

// route serves the methods and refuses every other, OPTIONS too, which echo would answer by itself.
func route(e *echo.Echo, path string, serve echo.HandlerFunc, methods ...string) {
	e.Match(methods, path, serve)
	e.RouteNotFound(path, func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
		return echo.ErrMethodNotAllowed
	})
}

func alive(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte(`{"status":"ok"}`)) }

// sendError says what is wrong in the words of HTTP, and nothing of the request.
func sendError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = he.Code
	}
	_ = c.JSON(status, map[string]string{"error": strings.ToLower(http.StatusText(status))}) // a client that left
}

// buffer is a body in memory that is used again.
type buffer struct{ bytes.Buffer }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// free gives the buffer back. Nothing may point into it any more.
func (b *buffer) free() {
	if b.Cap() <= maxPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// readBody reads a body of at most 1 MiB. An outcome that is not empty says why it could not.
func readBody(w http.ResponseWriter, r *http.Request) (*buffer, outcome) {
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	b := buffers.Get().(*buffer)
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return b, ""
	}
	b.free()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	return nil, cutShort
}
