# As the package leaves it: logs of www-data's in a directory of root's.
printf 'Served from a package.\n' >/var/www/html/index.html
