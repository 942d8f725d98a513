/** Style sheets that a part of the page brings along; the bundler makes files of them. */
declare module "*.css";
