mkdir /src
