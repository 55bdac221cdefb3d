package ingest

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Server returns a server whose timeouts cut off slow clients: 5 s for the header, 10 s for the whole request, 15 s for
// the answer, 60 s between two requests.
func Server(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ConnContext:       withConn,
	}
}

func (h *Handler) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = sendError
	webhooks := Path
	if len(h.config.Secrets) > 0 {
		webhooks += "/:secret"
	}
	route(e, webhooks, h.webhook, []string{http.MethodPost}, h.requireSecret)
	route(e, "/healthz", h.alive, []string{http.MethodGet, http.MethodHead})
	route(e, "/readyz", h.ready, []string{http.MethodGet, http.MethodHead})
	return e
}

// route serves the methods and rejects all others, even OPTIONS, which echo would otherwise answer. The guards come
// before either.
func route(e *echo.Echo, path string, serve echo.HandlerFunc, methods []string, guards ...echo.MiddlewareFunc) {
	e.Match(methods, path, serve, guards...)
	e.RouteNotFound(path, func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
		return echo.ErrMethodNotAllowed
	}, guards...)
}

// alive answers while the process runs.
func (h *Handler) alive(c echo.Context) error {
	return c.JSON(http.StatusOK, struct {
		Status  string `json:"status"`
		Version string `json:"version,omitempty"`
	}{"ok", h.config.Version})
}

// sendError answers with the status in words, and repeats nothing of the request.
func sendError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = he.Code
	}
	// fails only if the client left
	_ = c.JSON(status, map[string]string{"error": strings.ToLower(http.StatusText(status))})
}
