/* The sidebar of a long list of pages begins with the first: scroll it to the page that is shown. */
document.addEventListener("DOMContentLoaded", () => {
    const here = document.querySelector(".sidebar-tree .current-page > .reference");
    const sidebar = document.querySelector(".sidebar-scroll");
    if (!here || !sidebar) return;
    const end = here.getBoundingClientRect().bottom;
    const hidden = end - sidebar.getBoundingClientRect().bottom;
    const top = sidebar.scrollTop + hidden + sidebar.clientHeight / 3;
    if (hidden > 0) sidebar.scrollTo({ top, behavior: "instant" });
});
